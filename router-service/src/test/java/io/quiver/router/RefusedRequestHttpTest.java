package io.quiver.router;

import static io.quiver.router.SampleRouter.JSON;
import static io.quiver.router.SampleRouter.answer;
import static io.quiver.router.SampleRouter.post;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What a router does not answer, and how it says so. */
@ExtendWith(SampleRouter.class)
class RefusedRequestHttpTest {
    private static JsonNode complete(String json) throws Exception {
        return answer("/v1/completions", json);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "404|model_not_found|model|{'model':'nobody','prompt':'x'}",
                "404|model_not_found|model|{'model':'t/e0:7','prompt':'x'}",
                "404|model_not_found|routing.experts|{'model':'tiny-llama','prompt':'x','routing':{'experts':['t/e0','t/no']}}",
                "400|invalid_request|model|{'prompt':'x'}",
                "400|invalid_request|prompt|{'model':'tiny-llama'}",
                "400|invalid_request|prompt|{'model':'tiny-llama','prompt':[1,'a']}",
                "400|invalid_request|prompt|{'model':'tiny-llama','prompt':[99999]}",
                "400|invalid_request|temperature|{'model':'tiny-llama','prompt':'x','temperature':'hot'}",
                "400|invalid_request|temperature|{'model':'tiny-llama','prompt':'x','temperature':-1}",
                "400|invalid_request|top_p|{'model':'tiny-llama','prompt':'x','top_p':0}",
                "400|invalid_request|max_tokens|{'model':'tiny-llama','prompt':'x','max_tokens':0}",
                "400|unsupported_parameter|best_of|{'model':'tiny-llama','prompt':'x','n':2,'best_of':3}",
                "400|unsupported_parameter|suffix|{'model':'tiny-llama','prompt':'x','suffix':'y'}",
                "400|unknown_parameter|colour|{'model':'tiny-llama','prompt':'x','colour':1}",
                "400|unknown_parameter|routing.topk|{'model':'tiny-llama','prompt':'x','routing':{'all':true,'topk':1}}",
                "400|invalid_request|routing.top_k|{'model':'tiny-llama','prompt':'x','routing':{'all':true,'top_k':0}}",
                "400|invalid_request|routing.strategy|{'model':'tiny-llama','prompt':'x','routing':{'strategy':'best'}}",
                "400|invalid_request|routing.trace|{'model':'tiny-llama','prompt':'x','routing':{'trace':'all'}}",
                "400|invalid_request|routing.experts|{'model':'tiny-llama','prompt':'x','routing':{'all':true,'experts':['t/e0']}}",
                "400|library_empty|routing.selector|{'model':'tiny-llama','prompt':'x','routing':{'selector':'skill=no'}}",
                "400|invalid_request||[]",
                "400|invalid_request||{'model'",
            })
    void a_request_that_cannot_be_answered_says_why(int status, String code, String param, String body)
            throws Exception {
        HttpResponse<String> response = post("/v1/completions", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        JsonNode error = JSON.readTree(response.body()).path("error");
        assertThat(error.path("code").asString()).isEqualTo(code);
        assertThat(error.path("param").asString("")).isEqualTo(param == null ? "" : param);
        assertThat(error.path("type").asString()).isEqualTo("invalid_request_error");
        assertThat(error.path("message").asString()).isNotBlank();
    }

    @Test
    void parameters_that_ask_for_nothing_are_accepted() throws Exception {
        complete("{'model':'tiny-llama','prompt':'x','max_tokens':1,'n':1,'best_of':1,'suffix':'','user':'me',"
                + "'response_format':{'type':'text'},'metadata':{'a':'b'},'seed':null,'use_beam_search':false}");
    }

    @Test
    void a_prompt_longer_than_the_context_is_refused_and_one_token_less_is_answered() throws Exception {
        String fits = "[" + "93,".repeat(510) + "93]";
        JsonNode answer = complete("{'model':'tiny-llama','prompt':" + fits + ",'max_tokens':5,'temperature':0}");
        assertThat(answer.path("usage").path("completion_tokens").asInt()).isEqualTo(1);
        HttpResponse<String> tooLong =
                post("/v1/completions", "{'model':'tiny-llama','prompt':[" + "93,".repeat(511) + "93]}");
        assertThat(tooLong.statusCode()).isEqualTo(400);
        assertThat(JSON.readTree(tooLong.body()).path("error").path("code").asString())
                .isEqualTo("context_length_exceeded");
    }
}
