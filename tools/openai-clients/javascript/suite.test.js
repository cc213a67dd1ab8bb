// The unmodified OpenAI client for JavaScript against a router that serves the bundled model and its experts.
//
//     QUIVER_V1=http://127.0.0.1:7071/v1 node --test suite.test.js
//
// Run by OpenAiClientsIT, and by hand beside ./quiver demo.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import OpenAI, { BadRequestError, NotFoundError } from "openai";

const BASE = "quickstart";
const EXPERT = "quickstart/shout";
const QUESTION = [{ role: "user", content: "Shout the word letter." }];
const ARROW = { all: true, strategy: "arrow", top_k: 3, temperature: 0.5, trace: "tokens" };
const EVIDENCE = { all: true, strategy: "evidence", trace: "tokens" };

const client = new OpenAI({ baseURL: process.env.QUIVER_V1, apiKey: "unused", maxRetries: 0, timeout: 60_000 });

const chat = (more = {}, options = {}) =>
  client.chat.completions.create({ model: EXPERT, messages: QUESTION, temperature: 0, max_tokens: 24, ...more }, options);
const text = (more = {}) =>
  client.completions.create({ model: BASE, prompt: "The word te", temperature: 0, max_tokens: 8, ...more });

async function all(stream) {
  const chunks = [];
  for await (const chunk of await stream) chunks.push(chunk);
  return chunks;
}

async function refused(kind, request) {
  let thrown;
  await assert.rejects(request, (error) => {
    thrown = error;
    return error instanceof kind;
  });
  return thrown;
}

describe("models", () => {
  test("all models are listed", async () => {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    for (const id of [BASE, "quiver", EXPERT, "quickstart/plural"]) assert.ok(ids.includes(id), id);
    assert.equal(new Set(ids).size, ids.length);
  });

  test("a model with a slash in its name is retrieved", async () => {
    const model = await client.models.retrieve(EXPERT);
    assert.deepEqual([model.id, model.object, model.owned_by], [EXPERT, "model", "quickstart"]);
  });

  test("an unknown model is not found", async () => {
    const error = await refused(NotFoundError, client.models.retrieve("quickstart/nobody"));
    assert.equal(error.code, "model_not_found");
  });
});

describe("texts", () => {
  test("a text is continued and counted", async () => {
    const answer = await text();
    assert.equal(answer.object, "text_completion");
    assert.equal(answer.choices.length, 1);
    assert.ok(answer.usage.completion_tokens <= 8);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  });

  test("a stream brings the same text", async () => {
    const chunks = await all(text({ stream: true }));
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join(""), (await text()).choices[0].text);
  });

  test("log probabilities have the shape of texts", async () => {
    const { logprobs, text: written } = (await text({ logprobs: 3 })).choices[0];
    const tokens = logprobs.tokens.length;
    assert.ok(tokens > 0);
    assert.deepEqual(
      [logprobs.token_logprobs.length, logprobs.top_logprobs.length, logprobs.text_offset.length],
      [tokens, tokens, tokens],
    );
    logprobs.token_logprobs.forEach((chosen, i) => {
      // Greedy: the chosen token is the most probable one.
      assert.ok(Math.abs(chosen - Math.max(...Object.values(logprobs.top_logprobs[i]))) < 1e-5);
    });
    assert.equal(logprobs.tokens.join(""), written);
  });

  test("penalties end a repetition", async () => {
    const plain = (await text({ max_tokens: 40 })).choices[0].text;
    const penalised = (await text({ max_tokens: 40, frequency_penalty: 2, presence_penalty: 2 })).choices[0].text;
    assert.match(plain, /tente/);
    assert.doesNotMatch(penalised, /tente/);
  });

  test("echo gives the prompt back", async () => {
    assert.equal((await text({ echo: true })).choices[0].text, "The word te" + (await text()).choices[0].text);
  });
});

describe("chats", () => {
  test("an expert answers", async () => {
    const answer = await chat();
    assert.equal(answer.object, "chat.completion");
    assert.deepEqual(
      [answer.choices[0].message.role, answer.choices[0].message.content, answer.choices[0].finish_reason],
      ["assistant", "LETTER", "stop"],
    );
  });

  test("a stream brings the role first and the end last", async () => {
    const chunks = await all(chat({ stream: true }));
    assert.equal(chunks[0].choices[0].delta.role, "assistant");
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
    assert.equal(chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join(""), "LETTER");
  });

  test("the client's own accumulation of a stream gives the whole answer", async () => {
    const stream = client.chat.completions.stream({ model: EXPERT, messages: QUESTION, temperature: 0, max_tokens: 24 });
    const whole = await stream.finalChatCompletion();
    assert.equal(whole.choices[0].message.content, "LETTER");
  });

  test("a stream counts when asked to", async () => {
    const chunks = await all(chat({ stream: true, stream_options: { include_usage: true } }));
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.deepEqual(chunks.at(-1).usage, (await chat()).usage);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage == null));
  });

  test("a stream may be left", async () => {
    const stream = await chat({ stream: true });
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      break;
    }
    assert.equal((await chat()).choices[0].message.content, "LETTER");
  });

  test("any of several strings stops", async () => {
    const choice = (await chat({ stop: ["never", "TT"] })).choices[0];
    assert.deepEqual([choice.message.content, choice.finish_reason], ["LE", "stop"]);
  });

  test("the number of tokens is bounded under both names", async () => {
    for (const bound of [{ max_tokens: 2 }, { max_completion_tokens: 2, max_tokens: undefined }]) {
      const answer = await chat(bound);
      assert.deepEqual([answer.usage.completion_tokens, answer.choices[0].finish_reason], [2, "length"]);
    }
  });

  test("log probabilities have the shape of chats", async () => {
    const { content } = (await chat({ logprobs: true, top_logprobs: 2 })).choices[0].logprobs;
    assert.ok(content.length > 0);
    for (const token of content) {
      assert.equal(token.top_logprobs.length, 2);
      assert.equal(token.token, token.top_logprobs[0].token);
      assert.ok(token.logprob <= 0);
    }
  });

  test("two answers differ and a seed repeats them", async () => {
    const wish = { model: BASE, n: 2, temperature: 1.5, seed: 7 };
    const texts = (answer) => answer.choices.map((choice) => choice.message.content);
    const first = texts(await chat(wish));
    assert.equal(first.length, 2);
    assert.notEqual(first[0], first[1]);
    assert.deepEqual(first, texts(await chat(wish)));
    assert.notDeepEqual(first, texts(await chat({ ...wish, seed: 8 })));
  });

  test("a bias forbids a token", async () => {
    const [first] = (await chat({ routing: { trace: "tokens" } })).routing.trace.tokens;
    const biased = await chat({ logit_bias: { [first.token]: -100 } });
    assert.ok(!biased.choices[0].message.content.startsWith(first.text));
  });
});

describe("routing", () => {
  test("a routing object goes in and comes back", async () => {
    const answer = await chat({ model: BASE, routing: ARROW });
    const { routing } = answer;
    assert.deepEqual([routing.strategy, routing.top_k, routing.temperature], ["arrow", 3, 0.5]);
    assert.equal(routing.experts.length, 8);
    const shares = routing.experts.reduce((sum, expert) => sum + expert.share, 0);
    assert.ok(Math.abs(shares - 1) < 1e-3, String(shares));
  });

  test("evidence chooses the expert that answers", async () => {
    const answer = await chat({ model: BASE, routing: EVIDENCE });
    const { routing } = answer;
    assert.deepEqual([routing.strategy, routing.library_size], ["evidence", 8]);
    assert.deepEqual(routing.experts.map((expert) => [expert.name, expert.share]), [[EXPERT, 1]]);
    assert.equal(routing.decisions[0].best, EXPERT);
    assert.equal(routing.trace.evidence.experts.length, 8);
    assert.equal(answer.choices[0].message.content, "LETTER");
  });

  test("a stream names experts at once and shares at the end", async () => {
    const chunks = await all(chat({ model: BASE, routing: ARROW, stream: true }));
    const [first, last] = [chunks[0].routing, chunks.at(-1).routing];
    assert.deepEqual(first.experts.map((expert) => expert.digest), last.experts.map((expert) => expert.digest));
    assert.ok(!("share" in first.experts[0]) && "share" in last.experts[0]);
  });
});

describe("refusals", () => {
  test("an unknown model is not found", async () => {
    const error = await refused(NotFoundError, chat({ model: "nobody" }));
    assert.deepEqual([error.status, error.code, error.param], [404, "model_not_found", "model"]);
  });

  test("an unknown expert in a library is not found", async () => {
    const error = await refused(NotFoundError, chat({ model: BASE, routing: { experts: ["quickstart/nobody"] } }));
    assert.deepEqual([error.code, error.param], ["model_not_found", "routing.experts"]);
  });

  test("a wrong value is a bad request that names its field", async () => {
    const error = await refused(BadRequestError, chat({ temperature: -1 }));
    assert.deepEqual([error.status, error.type, error.param], [400, "invalid_request_error", "temperature"]);
  });

  test("a field that would change the answer is not ignored", async () => {
    const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];
    assert.equal((await refused(BadRequestError, chat({ tools }))).code, "unsupported_parameter");
  });

  test("a field that nobody knows is a bad request", async () => {
    assert.equal((await refused(BadRequestError, chat({ temprature: 1 }))).code, "unknown_parameter");
  });

  test("a prompt longer than the context is a bad request", async () => {
    const messages = [{ role: "user", content: "word ".repeat(20_000) }];
    assert.equal((await refused(BadRequestError, chat({ messages }))).code, "context_length_exceeded");
  });
});
