package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BaseCalibrateTest {
    private static final String ASK = "POST /v1/base-models/tiny/calibrations";
    private static final String LOOK = "GET /v1/base-models/tiny";

    private final ContractServer server = new ContractServer();
    private final Shown shown = Shown.inAPipe();
    private final List<Long> pauses = new ArrayList<>();

    @AfterEach
    void stop() {
        server.close();
    }

    private static String base(String state, int attempt, String more) {
        return "{\"name\":\"tiny\",\"calibration\":{\"state\":\"%s\",\"attempt\":%d%s}}"
                .formatted(state, attempt, more);
    }

    private int run(String... args) {
        return QuiverCommand.commandLine(
                        shown.surroundings(server.environment()), duration -> pauses.add(duration.toMillis()))
                .execute(args);
    }

    @Test
    void a_base_model_is_calibrated_again_and_followed_to_the_end() {
        server.on(ASK, 202, base("REQUESTED", 2, ""))
                .on(LOOK, 200, base("REQUESTED", 2, ""))
                .on(
                        LOOK,
                        200,
                        base("CALIBRATING", 2, ",\"progress\":{\"stage\":\"requests\",\"done\":4,\"total\":320}"))
                .on(LOOK, 200, base("CALIBRATED", 2, ",\"calibrated\":{\"file\":{\"digest\":\"sha256:ab\"}}"));

        assertThat(run("base", "calibrate", "tiny", "--seed", "7")).isZero();

        assertThat(server.received.get(0).text()).isEqualTo("{\"supersede\":false,\"seed\":7}");
        assertThat(shown.out()).contains("tiny  attempt 2  REQUESTED").contains("CALIBRATED  sha256:ab");
        assertThat(pauses).hasSize(2);
    }

    @Test
    void without_waiting_it_is_only_asked_for() {
        server.on(ASK, 202, base("REQUESTED", 2, ""));

        assertThat(run("base", "calibrate", "tiny", "--no-wait", "--supersede")).isZero();

        assertThat(server.received).hasSize(1);
        assertThat(server.received.get(0).text()).isEqualTo("{\"supersede\":true}");
    }

    @Test
    void an_attempt_that_fails_or_is_superseded_ends_with_1() {
        server.on(ASK, 202, base("REQUESTED", 2, ""))
                .on(
                        LOOK,
                        200,
                        base("FAILED", 2, ",\"failure\":{\"code\":\"worker_gave_up\",\"message\":\"no memory\"}"));
        assertThat(run("base", "calibrate", "tiny")).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err()).contains("FAILED  worker_gave_up: no memory");

        server.on(LOOK, request -> ContractServer.Answer.json(200, base("REQUESTED", 3, "")));
        assertThat(run("base", "calibrate", "tiny")).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err()).contains("attempt 2 was superseded by attempt 3");
    }

    @Test
    void what_the_registry_refuses_is_shown_and_a_seed_below_nought_is_not_sent() {
        server.on(ASK, 409, "{\"code\":\"calibration_under_way\",\"detail\":\"wait for its end\"}");

        assertThat(run("base", "calibrate", "tiny")).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err()).contains("(calibration_under_way): wait for its end");
        assertThat(run("base", "calibrate", "tiny", "--seed", "-1")).isEqualTo(ExitStatus.USAGE);
        assertThat(server.received).hasSize(1);
    }
}
