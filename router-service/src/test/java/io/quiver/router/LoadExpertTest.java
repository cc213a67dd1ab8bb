package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Expert;
import io.quiver.lora.merge.GeneralKnowledge;
import io.quiver.lora.merge.Merge;
import io.quiver.lora.merge.MergeMethod;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Experts that are computed from several adapters before they are resident. */
class LoadExpertTest {
    private static final PinnedExpert E0 = TinyModel.expert("e0");
    private static final PinnedExpert E1 = TinyModel.expert("e1");
    private static final PinnedExpert E2 = TinyModel.expert("e2");
    private static final int RANK = 4;

    private static Decoder decoder;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() throws Exception {
        decoder = TinyModel.open();
    }

    @AfterAll
    static void close() {
        decoder.close();
    }

    private static ExpertContent merged(MergeMethod method, double density, long seed, PinnedExpert... adapters) {
        List<Double> weights = Arrays.stream(adapters).map(adapter -> 0.5).toList();
        return new ExpertContent.Merged(
                List.of(adapters), new Merge(method, weights, density, Merge.Election.TOTAL, seed));
    }

    @Test
    void a_merge_takes_the_room_of_one_expert_and_is_found_again() {
        ExpertPool pool = new ExpertPool(decoder, TinyModel::files, 1 << 30);
        ExpertContent ties = merged(MergeMethod.TIES, 0.5, 0, E0, E1, E2);
        Expert first;
        try (ExpertPool.Lease lease = pool.acquire(List.of(ties))) {
            first = lease.experts().get(0);
        }
        try (ExpertPool.Lease lease = pool.acquire(List.of(ties, E0))) {
            assertThat(lease.experts().get(0)).isSameAs(first);
            assertThat(first.residentBytes()).isEqualTo(lease.experts().get(1).residentBytes());
        }
    }

    @Test
    void the_digest_stands_for_all_that_the_weights_depend_on() {
        ExpertContent dare = merged(MergeMethod.DARE_LINEAR, 0.5, 1, E0, E1);
        assertThat(dare.digest())
                .isEqualTo(merged(MergeMethod.DARE_LINEAR, 0.5, 1, E0, E1).digest());
        assertThat(List.of(
                        merged(MergeMethod.DARE_LINEAR, 0.5, 2, E0, E1).digest(),
                        merged(MergeMethod.DARE_LINEAR, 0.4, 1, E0, E1).digest(),
                        merged(MergeMethod.DARE_TIES, 0.5, 1, E0, E1).digest(),
                        merged(MergeMethod.DARE_LINEAR, 0.5, 1, E1, E0).digest(),
                        new ExpertContent.Reduced(E0, new Subtraction(GeneralKnowledge.FACTORS, List.of(E1))).digest(),
                        new ExpertContent.Reduced(E0, new Subtraction(GeneralKnowledge.UPDATES, List.of(E1))).digest(),
                        E0.digest()))
                .doesNotHaveDuplicates()
                .doesNotContain(dare.digest());
    }

    @Test
    void adapters_of_different_rank_are_the_callers_mistake() {
        ExpertPool pool = new ExpertPool(decoder, this::lowerRankForE1, 1 << 30);
        RequestRefusedException merge = catchThrowableOfType(
                RequestRefusedException.class, () -> pool.acquire(List.of(merged(MergeMethod.LINEAR, 1, 0, E0, E1))));
        assertThat(merge.code()).isEqualTo(RefusalCode.EXPERTS_INCOMPATIBLE);
        assertThat(merge.param()).isEqualTo("routing.strategy");
        assertThat(merge).hasMessageContaining("rank 4").hasMessageContaining("q_proj");
        RequestRefusedException general = catchThrowableOfType(
                RequestRefusedException.class,
                () -> pool.acquire(List.of(
                        new ExpertContent.Reduced(E0, new Subtraction(GeneralKnowledge.FACTORS, List.of(E1))))));
        assertThat(general.param()).isEqualTo("routing.general_knowledge");
        ExpertContent exact = new ExpertContent.Reduced(E0, new Subtraction(GeneralKnowledge.UPDATES, List.of(E1)));
        try (ExpertPool.Lease lease = pool.acquire(List.of(exact))) {
            assertThat(lease.experts()).hasSize(1);
        }
    }

    /** E1 with the first two of its ranks only. */
    private ExpertFiles lowerRankForE1(PinnedExpert expert) {
        ExpertFiles files = TinyModel.files(expert);
        if (!expert.equals(E1)) {
            return files;
        }
        try {
            SafetensorsWriter writer = new SafetensorsWriter();
            try (SafetensorsFile file =
                    SafetensorsFile.open(files.folder().resolve(LoraAdapter.WEIGHTS_FILE), SafetensorsLimits.ADAPTER)) {
                for (TensorInfo tensor : file.header().tensors()) {
                    float[] values = file.floats(tensor.name());
                    boolean isA = tensor.shape().get(0) == RANK;
                    long other = isA ? tensor.shape().get(1) : tensor.shape().get(0);
                    float[] kept = new float[values.length / 2];
                    for (int i = 0; i < kept.length; i++) {
                        kept[i] = isA ? values[i] : values[i / 2 * RANK + i % 2];
                    }
                    writer.floats(tensor.name(), isA ? List.of(2L, other) : List.of(other, 2L), kept);
                }
            }
            Files.write(folder.resolve(LoraAdapter.WEIGHTS_FILE), writer.toBytes());
            String config = Files.readString(files.folder().resolve(LoraAdapter.CONFIG_FILE));
            Files.writeString(
                    folder.resolve(LoraAdapter.CONFIG_FILE), config.replaceFirst("\"r\": " + RANK, "\"r\": 2"));
            return new ExpertFiles(folder, Map.of(), files.held());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
