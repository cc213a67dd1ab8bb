"""The unmodified OpenAI client for Python against a router that serves the bundled model and its experts.

    QUIVER_V1=http://127.0.0.1:7071/v1 python -m unittest -v suite

Run by OpenAiClientsIT, and by hand beside ./quiver demo.
"""

import math
import os
import unittest

import openai

QUESTION = [{"role": "user", "content": "Shout the word letter."}]
ARROW = {"routing": {"all": True, "strategy": "arrow", "top_k": 3, "temperature": 0.5, "trace": "tokens"}}
EVIDENCE = {"routing": {"all": True, "strategy": "evidence", "trace": "tokens"}}
BASE = "quickstart"
EXPERT = "quickstart/shout"


def chat(client, **more):
    return client.chat.completions.create(**{"model": EXPERT, "messages": QUESTION, "temperature": 0, "max_tokens": 24, **more})


def text(client, **more):
    return client.completions.create(**{"model": BASE, "prompt": "The word te", "temperature": 0, "max_tokens": 8, **more})


class Suite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = openai.OpenAI(base_url=os.environ["QUIVER_V1"], api_key="unused", max_retries=0, timeout=60)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()


class Models(Suite):
    def test_all_models_are_listed(self):
        ids = [model.id for model in self.client.models.list()]
        self.assertLessEqual({BASE, "quiver", EXPERT, "quickstart/plural"}, set(ids))
        self.assertEqual(len(ids), len(set(ids)))

    def test_a_model_with_a_slash_in_its_name_is_retrieved(self):
        model = self.client.models.retrieve(EXPERT)
        self.assertEqual((model.id, model.object, model.owned_by), (EXPERT, "model", "quickstart"))
        self.assertGreater(model.created, 1_700_000_000)

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as refused:
            self.client.models.retrieve("quickstart/nobody")
        self.assertEqual(refused.exception.code, "model_not_found")


class Texts(Suite):
    def test_a_text_is_continued_and_counted(self):
        answer = text(self.client)
        self.assertEqual(answer.object, "text_completion")
        self.assertEqual(len(answer.choices), 1)
        self.assertIn(answer.choices[0].finish_reason, ("stop", "length"))
        self.assertGreater(answer.usage.prompt_tokens, 0)
        self.assertLessEqual(answer.usage.completion_tokens, 8)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)

    def test_several_prompts_are_answered_in_their_order(self):
        prompts = ["The word te", "Shout"]
        together = text(self.client, prompt=prompts)
        self.assertEqual([choice.index for choice in together.choices], [0, 1])
        alone = [text(self.client, prompt=prompt).choices[0].text for prompt in prompts]
        self.assertEqual([choice.text for choice in together.choices], alone)

    def test_a_stream_brings_the_same_text(self):
        pieces = [chunk.choices[0].text for chunk in text(self.client, stream=True) if chunk.choices]
        self.assertEqual("".join(pieces), text(self.client).choices[0].text)

    def test_log_probabilities_have_the_shape_of_texts(self):
        choice = text(self.client, logprobs=3).choices[0]
        tokens = len(choice.logprobs.tokens)
        self.assertGreater(tokens, 0)
        self.assertEqual([len(choice.logprobs.token_logprobs), len(choice.logprobs.top_logprobs),
                          len(choice.logprobs.text_offset)], [tokens] * 3)
        for chosen, top in zip(choice.logprobs.token_logprobs, choice.logprobs.top_logprobs):
            self.assertLessEqual(chosen, 0)
            # Greedy: the chosen token is the most probable one.
            self.assertAlmostEqual(chosen, max(top.values()), places=5)
        self.assertEqual("".join(choice.logprobs.tokens), choice.text)

    def test_penalties_end_a_repetition(self):
        plain, penalised = text(self.client, max_tokens=40), text(self.client, max_tokens=40, frequency_penalty=2, presence_penalty=2)
        self.assertIn("tente", plain.choices[0].text)
        self.assertNotIn("tente", penalised.choices[0].text)

    def test_echo_gives_the_prompt_back(self):
        self.assertEqual(text(self.client, echo=True).choices[0].text, "The word te" + text(self.client).choices[0].text)


class Chats(Suite):
    def test_an_expert_answers(self):
        answer = chat(self.client)
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertEqual(answer.choices[0].message.content, "LETTER")
        self.assertEqual(answer.choices[0].finish_reason, "stop")

    def test_a_stream_brings_the_role_first_and_the_end_last(self):
        chunks = list(chat(self.client, stream=True))
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")
        self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks), "LETTER")
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)

    def test_a_stream_counts_when_asked_to(self):
        chunks = list(chat(self.client, stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage, chat(self.client).usage)
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))

    def test_a_stream_may_be_left(self):
        with chat(self.client, stream=True) as stream:
            next(iter(stream))
        self.assertEqual(chat(self.client).choices[0].message.content, "LETTER")

    def test_any_of_several_strings_stops(self):
        choice = chat(self.client, stop=["never", "TT"]).choices[0]
        self.assertEqual((choice.message.content, choice.finish_reason), ("LE", "stop"))

    def test_the_number_of_tokens_is_bounded_under_both_names(self):
        for bound in ({"max_tokens": 2}, {"max_completion_tokens": 2, "max_tokens": openai.omit}):
            answer = chat(self.client, **bound)
            self.assertEqual((answer.usage.completion_tokens, answer.choices[0].finish_reason), (2, "length"))

    def test_log_probabilities_have_the_shape_of_chats(self):
        content = chat(self.client, logprobs=True, top_logprobs=2).choices[0].logprobs.content
        self.assertGreater(len(content), 0)
        for token in content:
            self.assertEqual(len(token.top_logprobs), 2)
            self.assertEqual(token.token, token.top_logprobs[0].token)
            self.assertAlmostEqual(token.logprob, token.top_logprobs[0].logprob, places=5)
            self.assertLessEqual(sum(math.exp(top.logprob) for top in token.top_logprobs), 1 + 1e-6)
        self.assertEqual(bytes(byte for token in content for byte in token.bytes or []).decode()[:6], "LETTER")

    def test_two_answers_differ_and_a_seed_repeats_them(self):
        wish = {"model": BASE, "n": 2, "temperature": 1.5, "seed": 7}
        first, again = chat(self.client, **wish), chat(self.client, **wish)
        texts = [choice.message.content for choice in first.choices]
        self.assertEqual([choice.index for choice in first.choices], [0, 1])
        self.assertNotEqual(texts[0], texts[1])
        self.assertEqual(texts, [choice.message.content for choice in again.choices])
        other = chat(self.client, **{**wish, "seed": 8})
        self.assertNotEqual(texts, [choice.message.content for choice in other.choices])

    def test_a_bias_forbids_a_token(self):
        traced = chat(self.client, extra_body={"routing": {"trace": "tokens"}}).model_extra["routing"]["trace"]["tokens"]
        first = traced[0]
        biased = chat(self.client, logit_bias={str(first["token"]): -100}).choices[0].message.content
        self.assertFalse(biased.startswith(first["text"]))


class Routing(Suite):
    def test_a_routing_object_goes_in_and_comes_back(self):
        answer = chat(self.client, model=BASE, extra_body=ARROW)
        routing = answer.model_extra["routing"]
        self.assertEqual((routing["strategy"], routing["top_k"], routing["temperature"]), ("arrow", 3, 0.5))
        shares = {expert["name"]: expert["share"] for expert in routing["experts"]}
        self.assertEqual(len(shares), 8)
        self.assertAlmostEqual(sum(shares.values()), 1, places=3)
        self.assertGreaterEqual(answer.usage.completion_tokens, len(routing["trace"]["tokens"]))

    def test_evidence_chooses_the_expert_that_answers(self):
        answer = chat(self.client, model=BASE, extra_body=EVIDENCE)
        routing = answer.model_extra["routing"]
        self.assertEqual((routing["strategy"], routing["library_size"]), ("evidence", 8))
        self.assertEqual([(expert["name"], expert["share"]) for expert in routing["experts"]], [(EXPERT, 1)])
        self.assertEqual(routing["decisions"][0]["best"], EXPERT)
        self.assertEqual(len(routing["trace"]["evidence"]["experts"]), 8)
        self.assertEqual(answer.choices[0].message.content, "LETTER")

    def test_a_stream_names_experts_at_once_and_shares_at_the_end(self):
        chunks = list(chat(self.client, model=BASE, extra_body=ARROW, stream=True))
        first, last = chunks[0].model_extra["routing"], chunks[-1].model_extra["routing"]
        self.assertEqual([expert["digest"] for expert in first["experts"]], [expert["digest"] for expert in last["experts"]])
        self.assertNotIn("share", first["experts"][0])
        self.assertIn("share", last["experts"][0])

    def test_an_expert_by_name_and_by_digest_is_the_same(self):
        by_name = chat(self.client)
        digest = by_name.model_extra["routing"]["experts"][0]["digest"]
        self.assertEqual(chat(self.client, model=digest).choices[0].message.content, by_name.choices[0].message.content)


class Refusals(Suite):
    def refused(self, kind, **wish):
        with self.assertRaises(kind) as refused:
            chat(self.client, **wish)
        return refused.exception

    def test_an_unknown_model_is_not_found(self):
        error = self.refused(openai.NotFoundError, model="nobody")
        self.assertEqual((error.status_code, error.code, error.param), (404, "model_not_found", "model"))

    def test_an_unknown_expert_in_a_library_is_not_found(self):
        error = self.refused(openai.NotFoundError, model=BASE, extra_body={"routing": {"experts": ["quickstart/nobody"]}})
        self.assertEqual((error.code, error.param), ("model_not_found", "routing.experts"))

    def test_a_wrong_value_is_a_bad_request_that_names_its_field(self):
        error = self.refused(openai.BadRequestError, temperature=-1)
        self.assertEqual((error.status_code, error.type, error.param), (400, "invalid_request_error", "temperature"))

    def test_a_field_that_would_change_the_answer_is_not_ignored(self):
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
        self.assertEqual(self.refused(openai.BadRequestError, tools=[tool]).code, "unsupported_parameter")

    def test_a_field_that_nobody_knows_is_a_bad_request(self):
        self.assertEqual(self.refused(openai.BadRequestError, extra_body={"temprature": 1}).code, "unknown_parameter")

    def test_a_prompt_longer_than_the_context_is_a_bad_request(self):
        error = self.refused(openai.BadRequestError, messages=[{"role": "user", "content": "word " * 20_000}])
        self.assertEqual(error.code, "context_length_exceeded")

    def test_a_route_that_is_not_there_is_not_found(self):
        with self.assertRaises(openai.NotFoundError):
            self.client.embeddings.create(model=BASE, input="text")


if __name__ == "__main__":
    unittest.main()
