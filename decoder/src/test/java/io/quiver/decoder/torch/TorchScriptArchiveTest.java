package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.decoder.torch.TensorProgram.Floats;
import java.util.List;
import org.junit.jupiter.api.Test;

class TorchScriptArchiveTest {
    private static final String COUNTER = """
            class Counter(Module):
              __parameters__ = []
              __buffers__ = []
              training : bool
              total : Optional[Tensor]

              def add(self, x: Tensor, times: int, scale: float, names: str, on: bool, list: List[int], reals: List[float]) -> List[Tensor]:
                total = self.total
                if total is None:
                  total = torch.zeros_like(x)
                if on:
                  total = torch.add(total, torch.mul(x, float(times) * scale + float(list[1]) + reals[0]))
                self.total = total
                return [total, torch.unsqueeze(total, 0)]

              def fail(self) -> List[Tensor]:
                assert False, "as asked"
                return annotate(List[Tensor], [])

              def nothing(self) -> List[Tensor]:
                return annotate(List[Tensor], [])
            """;

    @Test
    void a_text_becomes_a_program_that_keeps_its_state_between_calls() {
        try (TensorProgram program = new DjlTensorProgram(TorchScriptArchive.ofText(COUNTER), 1)) {
            Floats x = new Floats(new float[] {1, 2, 3}, 3);
            program.run("add", x, 2L, 0.5, "name", true, new int[] {0, 7}, new double[] {0.25});
            List<Floats> result = program.run("add", x, 0, 0.5, "name", true, new long[] {0, 1}, new double[] {0});
            // (2 * 0.5 + 7 + 0.25) x, then 1 x.
            assertThat(result.get(0).values()).containsExactly(9.25f, 18.5f, 27.75f);
            assertThat(result.get(1).shape()).containsExactly(1, 3);
            assertThat(program.run("nothing")).isEmpty();
        }
    }

    @Test
    void an_error_inside_a_program_names_the_method_and_the_reason() {
        try (TensorProgram program = new DjlTensorProgram(TorchScriptArchive.ofText(COUNTER), 1)) {
            assertThatThrownBy(() -> program.run("fail"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("fail")
                    .hasMessageContaining("as asked");
            assertThatThrownBy(() -> program.run("no_such_method")).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> program.run("nothing", new Object())).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void a_text_without_a_module_class_is_refused() {
        assertThatThrownBy(() -> TorchScriptArchive.ofText("def f(x: Tensor) -> Tensor:\n  return x\n"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void the_same_text_gives_the_same_bytes() {
        assertThat(TorchScriptArchive.ofText(COUNTER)).isEqualTo(TorchScriptArchive.ofText(COUNTER));
    }
}
