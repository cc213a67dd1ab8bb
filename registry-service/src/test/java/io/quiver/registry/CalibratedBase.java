package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationEvent.AdapterCalibrationRequested;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event;
import io.quiver.schemas.EventJson;
import io.quiver.schemas.EventType;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** A base model of one test, registered in the shared registry, and what a worker and a client do with it. */
record CalibratedBase(String name, BaseModelRef ref) {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();
    private static final RegistryHttp HTTP = REGISTRY.http();

    /** An uploaded version 1, and what it was made of. */
    record Version(AdapterName adapter, Digest digest, TinyModels.Draft draft) {
        String route() {
            return "/v1/adapters/" + adapter + "/versions/1";
        }

        JsonNode body() {
            return HTTP.get(route()).body();
        }
    }

    static CalibratedBase register() {
        return register(1);
    }

    /** One of another content for each seed: calibrations are of a content, whatever its names. */
    static CalibratedBase register(long seed) {
        String name = RunningRegistry.unique("calibrated-base");
        Answer answer = HTTP.upload("/v1/base-models?name=" + name, TinyModels.base(TinyModels.HIDDEN, seed));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
        return new CalibratedBase(
                name,
                new BaseModelRef(name, Digest.parse(answer.body().path("digest").asString())));
    }

    String route() {
        return "/v1/base-models/" + name;
    }

    JsonNode calibration() {
        return HTTP.get(route()).body().path("calibration");
    }

    /** A worker says that this attempt gave the calibration of that seed. */
    CalibrationRef calibrate(int attempt, long seed) {
        CalibrationRef file = WorkerVoice.storeCalibration(ref, seed);
        REGISTRY.bean(RecordCalibration.class).on(WorkerVoice.calibrated(ref, attempt, file));
        assertThat(calibration().path("calibrated").path("file").path("digest").asString())
                .isEqualTo(file.digest().toString());
        return file;
    }

    Answer recalibrate(String json) {
        return HTTP.send("POST", route() + "/calibrations", json);
    }

    Version upload(long seed, String... examples) {
        AdapterName adapter = new AdapterName("calibrated", RunningRegistry.unique("adapter"));
        TinyModels.Draft draft = TinyModels.adapter(seed);
        RegistryHttp.Form form = draft.form(name);
        if (examples.length > 0) {
            form.part("examples.jsonl", examples(examples));
        }
        Answer answer = HTTP.upload("/v1/adapters/" + adapter + "/versions", form);
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
        return new Version(adapter, Digest.parse(answer.body().path("digest").asString()), draft);
    }

    /** A file of examples with these prompts. */
    static String examples(String... prompts) {
        StringBuilder lines = new StringBuilder();
        for (String prompt : prompts) {
            lines.append("{\"prompt\": \"").append(prompt).append("\"}\n");
        }
        return lines.toString();
    }

    /** A version that a worker has computed the prototypes of, without evidence. */
    Version ready(long seed) {
        Version version = upload(seed);
        becomeReady(version);
        return version;
    }

    static void becomeReady(Version version) {
        byte[] file = WorkerVoice.prototypes(version.draft(), version.digest());
        REGISTRY.bean(RecordOutcome.class)
                .on(WorkerVoice.computed(
                        version.adapter(), 1, version.digest(), WorkerVoice.store(version.digest(), file)));
        assertThat(version.body().path("state").asString()).isEqualTo("READY");
    }

    /** The events of the public topic about a version's adapter, in order. */
    static List<Event> events(Version version) {
        return REGISTRY
                .bean(Outbox.class)
                .after(0, new Outbox.Filter(Set.of(), Optional.of(version.adapter())), 1000)
                .stream()
                .map(row -> EventJson.read(row.type(), row.data().getBytes(StandardCharsets.UTF_8)))
                .toList();
    }

    /** What workers were asked to measure of a version, in order. */
    static List<AdapterCalibrationRequested> asked(Version version) {
        return events(version).stream()
                .filter(AdapterCalibrationRequested.class::isInstance)
                .map(AdapterCalibrationRequested.class::cast)
                .toList();
    }

    /** The short types of the events about this base model, in order. */
    List<String> types() {
        return REGISTRY
                .bean(Outbox.class)
                .after(0, new Outbox.Filter(Set.of(EventType.values()), Optional.empty()), 100_000)
                .stream()
                .filter(row -> row.subject().equals("base/" + name))
                .map(row -> row.type().shortName())
                .toList();
    }
}
