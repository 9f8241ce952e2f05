import { describe, expect, it, vi } from "vitest";
import { generate } from "./model/generate.ts";
import { predictChat } from "./predict.ts";
import { kinds } from "./kinds/registry.ts";
import type { SimulatedKind } from "./kinds/registry.ts";
import { startSimulator } from "./simulator.ts";
import type { Simulator } from "./simulator.ts";
import { CHAT_KINDS, chat, events, get, joined, leaveWhen, post, withSimulator } from "./testing.ts";

const CHAT = "/v1/chat/completions";
// DeepSpeed-MII fails in silence and goes on without its clients: deepspeed.test.ts shows it.
const ALL = CHAT_KINDS.filter((kind) => kind !== "deepspeed");

/** Kinds whose streams go on when their client has left. */
const GHOSTS: ReadonlySet<SimulatedKind> = new Set<SimulatedKind>(["sglang"]);
/** Kinds that send their end marker behind an error, too. */
const MARKED: ReadonlySet<SimulatedKind> = new Set<SimulatedKind>(["lmdeploy", "sglang", "tgi", "vllm"]);
/** Kinds that say nothing of an error in mid-stream, and close the connection. */
const SILENT: ReadonlySet<SimulatedKind> = new Set<SimulatedKind>(["tensorrt-llm"]);
/** What a silent stream is once its client has left. */
const leftState = (kind: SimulatedKind) => (GHOSTS.has(kind) ? "running" : "aborted");

async function stream(sim: Simulator, directive: string, path = CHAT) {
  return post(sim, path, chat(`Hello [sim tokens=6 ${directive}]`));
}

function stateOf(sim: Simulator) {
  const { requests } = sim.seen();
  return requests.at(-1);
}

describe.each(ALL)("directives on %s", (kind) => {
  const test = (run: (sim: Simulator, full: string[]) => Promise<void>) => () =>
    withSimulator({ kind }, async (sim) => run(sim, events((await stream(sim, "")).text).map(withoutId)));

  it(
    "do not change the text",
    test(async (sim) => {
      const plain = joined((await post(sim, CHAT, chat("Hello"))).text);
      expect(joined((await post(sim, CHAT, chat("Hello [sim gap=1 split=9]"))).text)).toBe(plain);
    }),
  );

  it(
    "die=N resets the connection after exactly N events, at every N",
    test(async (sim, full) => {
      for (let count = 1; count <= full.length; count++) {
        const heard = await stream(sim, `die=${count}`);
        expect(events(heard.text).map(withoutId)).toEqual(full.slice(0, count));
        expect(heard.broken).toBe(true);
      }
      expect(stateOf(sim)?.state).toBe("faulted");
    }),
  );

  it(
    "die=tN counts tokens instead",
    test(async (sim, full) => {
      const heard = await stream(sim, "die=t3");
      expect(heard.broken).toBe(true);
      expect(full.map(text).join("")).toContain(joined(heard.text));
      expect(stateOf(sim)?.tokens).toBe(3);
    }),
  );

  it(
    "fin=N ends the body properly, without the end marker",
    test(async (sim, full) => {
      const heard = await stream(sim, "fin=4");
      expect(events(heard.text).map(withoutId)).toEqual(full.slice(0, 4));
      expect(heard.broken).toBe(false);
    }),
  );

  it(
    "cutin=N breaks off in the middle of event N",
    test(async (sim, full) => {
      const heard = await stream(sim, "cutin=3");
      const parts = events(heard.text);
      expect(parts.slice(0, 2).map(withoutId)).toEqual(full.slice(0, 2));
      expect(parts[2]?.length).toBeGreaterThan(0);
      expect(parts[2]?.endsWith("}")).toBe(false);
      expect(heard.broken).toBe(true);
    }),
  );

  it(
    "hang=N goes silent after N events until the client leaves",
    test(async (sim, full) => {
      const body = chat("Hello [sim tokens=6 hang=3]");
      let heard = "";
      const left = leaveWhen(
        sim,
        CHAT,
        body,
        (text) =>
          events((heard = text.slice(text.indexOf("\r\n\r\n")))).filter((line) => line.startsWith("{"))
            .length >= 3,
      );
      await left;
      const { requests } = await sim.waitFor(({ requests }) => requests.at(-1)?.state === leftState(kind));
      expect(requests.at(-1)?.events).toBe(3);
      expect(heard).not.toContain(full.at(-1));
    }),
  );

  it(
    "hang=headers never answers",
    test(async (sim) => {
      const controller = new AbortController();
      const request = fetch(sim.url + CHAT, {
        method: "POST",
        body: JSON.stringify(chat("Hello [sim hang=headers]")),
        headers: { "content-type": "application/json" },
        signal: controller.signal,
      });
      await sim.waitFor(({ requests }) => requests.length === 2);
      controller.abort();
      await expect(request).rejects.toThrow();
      const { requests } = await sim.waitFor(({ requests }) => requests.at(-1)?.state === leftState(kind));
      expect(requests.at(-1)).toMatchObject({ status: undefined, tokens: 0, bytes: 0 });
    }),
  );

  it(
    "error=N says it as that engine does, error=0 before anything else",
    test(async (sim, full) => {
      const marked = MARKED.has(kind);
      for (const count of [0, 3]) {
        const heard = await stream(sim, `error=${count}`);
        expect(heard.status).toBe(200);
        const parts = events(heard.text).map(withoutId);
        expect(parts.slice(0, count)).toEqual(full.slice(0, count));
        expect(heard.broken).toBe(SILENT.has(kind));
        expect(parts).toHaveLength(SILENT.has(kind) ? count : count + (marked ? 2 : 1));
        if (SILENT.has(kind)) continue;
        expect(parts[count]).toMatch(kind === "ollama" ? /"model":""/ : /\{"error": ?\{/);
        if (marked) expect(parts.at(-1)).toBe("[DONE]");
      }
    }),
  );

  it(
    "badutf8=N spoils the text of event N alone",
    test(async (sim) => {
      const { bytes } = await stream(sim, "badutf8=3");
      const spoilt = bytes
        .toString()
        .split("\n\n")
        .map((event) => event.includes("\ufffd"));
      expect(spoilt.indexOf(true)).toBe(2);
      expect(spoilt.filter(Boolean)).toHaveLength(1);
    }),
  );

  it(
    "split=1 loses no byte",
    test(async (sim, full) => {
      expect(events((await stream(sim, "split=1")).text).map(withoutId)).toEqual(full);
    }),
  );

  it(
    "nofinish ends with the end marker but without a finish",
    test(async (sim) => {
      const { text } = await stream(sim, "nofinish");
      expect(text).not.toMatch(/"finish_reason":"/);
      expect(text).toContain("[DONE]");
    }),
  );

  it(
    "nousage never tells usage, asked or not",
    test(async (sim) => {
      const body = chat("Hello [sim nousage]", { stream_options: { include_usage: true } });
      expect((await post(sim, CHAT, body)).text).not.toMatch(/"usage":\{|"timings"/);
    }),
  );

  it(
    "onlydone says nothing but the end marker",
    test(async (sim) => {
      expect((await stream(sim, "onlydone")).text).toBe("data: [DONE]\n\n");
    }),
  );

  it(
    "huge=N makes one event larger than N bytes",
    test(async (sim) => {
      const sizes = events((await stream(sim, "huge=100000")).text).map((event) => event.length);
      expect(sizes.filter((size) => size > 100_000)).toHaveLength(1);
    }),
  );

  it(
    "status=N answers in that engine's own words",
    test(async (sim) => {
      for (const status of [400, 404, 429, 500, 503]) {
        const heard = await stream(sim, `status=${status}`);
        expect(heard.status).toBe(status);
        // What TGI's HTTP layer says is plain text, or nothing.
        if (kind === "tgi" && status <= 404) continue;
        // SGLang's error is not wrapped.
        const { error, message } = JSON.parse(heard.text);
        expect(error ?? message).toBeDefined();
      }
    }),
  );

  it(
    "html answers as a tunnel does",
    test(async (sim) => {
      const heard = await stream(sim, "html");
      expect(heard.status).toBe(502);
      expect(heard.headers.get("content-type")).toMatch(/^text\/html/);
    }),
  );

  it(
    "a whole body: die and error come while the model works, fin and cutin cut the body",
    test(async (sim) => {
      const whole = (directive: string) =>
        post(sim, CHAT, { ...chat(`Hello [sim tokens=6 ${directive}]`), stream: false });
      await expect(whole("die=3")).rejects.toThrow();
      expect(stateOf(sim)).toMatchObject({ state: "faulted", tokens: 3, bytes: 0 });
      expect((await whole("error=3")).status).toBe(500);
      for (const cut of ["fin=3", "cutin=1"])
        expect(await whole(cut)).toMatchObject({ status: 200, broken: true });
      expect((await whole("badutf8=1")).text).toContain("\ufffd");
      expect(JSON.parse((await whole("")).text).choices).toHaveLength(1);
    }),
  );

  it(
    "a directive with a typo fails loudly",
    test(async (sim) => {
      expect(await stream(sim, "dye=3")).toMatchObject({
        status: 500,
        text: "[sim] does not know 'dye=3'\n",
      });
    }),
  );

  it(
    "are ignored, but still unseen by the model, with inBand off",
    test(async (sim) => {
      await sim.configure({ inBand: false });
      const heard = await post(sim, CHAT, chat("Hello [sim die=2]"));
      expect(heard.broken).toBe(false);
      expect(joined(heard.text)).toBe(predictChat(chat("Hello")).text);
    }),
  );
});

/** For kinds that look seldom whether their client is still there. */
const pollOften = (kind: SimulatedKind) =>
  (kinds[kind].defaults.disconnectPollMs ?? 0) > 100 ? { disconnectPollMs: 100 } : {};

function withoutId(event: string): string {
  return event.replace(/"id":( ?)"[^"]+"/, '"id":$1"x"');
}

function text(event: string): string {
  return joined(`data: ${event}\n\n`);
}

describe("answers of one kind only", () => {
  it("abort=N ends with finish_reason abort where the kind says so; the others cut", async () => {
    for (const kind of ALL) {
      await withSimulator({ kind }, async (sim) => {
        const heard = await stream(sim, "abort=3");
        const { saysAbort } = kinds[kind];
        expect(heard.broken).toBe(!saysAbort);
        expect(/"finish_reason": ?"abort"/.test(heard.text)).toBe(saysAbort);
        expect(stateOf(sim)?.tokens).toBe(3);
      });
    }
  });

  it("openai: crlf ends lines with CR LF; the others cannot", async () => {
    for (const kind of ALL) {
      await withSimulator({ kind }, async (sim) => {
        expect((await stream(sim, "crlf")).text.includes("\r\n\r\n")).toBe(kind === "openai");
      });
    }
  });

  it.each([
    ["vllm", 503, /"type":"ServiceUnavailableError"/],
    ["openai", 429, /"code": "rate_limit_exceeded"/],
    ["ollama", 503, /server busy, please try again\. {2}maximum pending requests exceeded/],
  ] as const)("%s: overload is %i", (kind, status, body) =>
    withSimulator({ kind }, async (sim) => {
      const heard = await stream(sim, "overload");
      expect(heard.status).toBe(status);
      expect(heard.text).toMatch(body);
    }),
  );

  it("sglang: overload is a 503, and in a stream an error behind headers that said 200", () =>
    withSimulator({ kind: "sglang" }, async (sim) => {
      const full = (type: string) =>
        `{"object":"error","message":"The request queue is full.","type":"${type}","param":null,"code":503}`;
      const heard = await post(sim, CHAT, chat("Hello [sim overload]", { stream: false }));
      expect(heard).toMatchObject({ status: 503, text: full("503") });
      expect(await stream(sim, "overload")).toMatchObject({
        status: 200,
        text: `data: {"error":${full("SERVICE_UNAVAILABLE")}}\n\ndata: [DONE]\n\n`,
      });
    }));

  it("llama-cpp: overload is a wait without a word, headers sent", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      await leaveWhen(sim, CHAT, chat("Hello [sim overload]"), (heard) => heard.includes("\r\n\r\n"));
      const { requests } = await sim.waitFor(({ requests }) => requests[0]?.state === "aborted");
      expect(requests[0]).toMatchObject({ status: 200, bytes: 0, tokens: 0 });
    }));
});

describe("loading", () => {
  it("llama-cpp: 503 on every route, before the key is looked at", () =>
    withSimulator({ kind: "llama-cpp", loading: true, apiKey: "k" }, async (sim) => {
      const body = '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}';
      expect(await get(sim, "/health")).toMatchObject({ status: 503, text: body });
      expect(await post(sim, CHAT, chat("Hello"))).toMatchObject({ status: 503, text: body });
      await sim.configure({ loading: false });
      expect((await get(sim, "/health")).status).toBe(200);
    }));

  it("vllm: no socket listens; in a request, a reset", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      await expect(post(sim, CHAT, chat("Hello [sim loading]"))).rejects.toThrow();
      await sim.configure({ loading: true });
      await expect(get(sim, "/health")).rejects.toThrow();
      await sim.configure({ loading: false });
      expect((await get(sim, "/health")).status).toBe(200);
    }));

  it("ollama: the request waits without a byte until the model has loaded", () =>
    withSimulator({ kind: "ollama", loading: true }, async (sim) => {
      expect((await get(sim, "/api/version")).status).toBe(200);
      const answer = post(sim, CHAT, chat("Hello"));
      const { requests } = await sim.waitFor(({ requests }) => requests.some(({ path }) => path === CHAT));
      expect(requests.at(-1)).toMatchObject({ state: "running", bytes: 0 });
      await sim.configure({ loading: false });
      expect((await answer).status).toBe(200);
      expect((await post(sim, CHAT, chat("Hello [sim loading=5]"))).status).toBe(200);
    }));
});

describe("what it saw", () => {
  it("tells each request with its body, state, tokens and bytes", () =>
    withSimulator({ kind: "openai" }, async (sim) => {
      const heard = await post(sim, CHAT, chat("Hello [sim tokens=6]"), { "x-trace": "t1" });
      const { requests, ...counters } = await sim.waitFor(({ finished }) => finished === 1);
      expect(requests).toHaveLength(1);
      expect(requests[0]).toMatchObject({
        method: "POST",
        path: CHAT,
        headers: { "x-trace": "t1" },
        body: { messages: [{ content: "Hello [sim tokens=6]" }] },
        state: "finished",
        status: 200,
        tokens: 6,
        events: 9,
        bytes: heard.bytes.length,
        aborted: undefined,
      });
      expect(counters).toMatchObject({ accepted: 1, running: 0, waiting: 0, tokens: 6, finished: 1 });
      sim.reset();
      expect(sim.seen()).toMatchObject({ requests: [], tokens: 0, accepted: 0 });
    }));

  it.each(ALL.filter((kind) => !GHOSTS.has(kind)))(
    "%s stops generating when the client leaves a stream, and tells at which token",
    (kind) =>
      withSimulator({ kind, gapMs: 5 }, async (sim) => {
        await leaveWhen(
          sim,
          CHAT,
          chat("Hello [sim tokens=4000]"),
          (heard) => heard.split("\n\n").length > 6,
        );
        const { requests, running } = await sim.waitFor(
          (seen) => seen.requests[0]?.state === "aborted" && seen.running === 0,
        );
        const { tokens, aborted } = requests[0] ?? {};
        expect(tokens).toBeGreaterThan(2);
        expect(tokens).toBeLessThan(100);
        expect(aborted?.atToken).toBe(tokens);
        expect(aborted?.afterDisconnectMs).toBeLessThan(1_000);
        expect(running).toBe(0);
      }),
  );

  it.each(ALL)("%s stops generating a whole answer when its client leaves", (kind) =>
    withSimulator({ kind, gapMs: 5, ...pollOften(kind) }, async (sim) => {
      const controller = new AbortController();
      const body = JSON.stringify({ ...chat("Hello [sim tokens=4000]"), stream: false });
      const init = {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
        signal: controller.signal,
      };
      const request = fetch(sim.url + CHAT, init);
      await sim.waitFor(({ requests }) => (requests[0]?.tokens ?? 0) >= 3);
      controller.abort();
      await expect(request).rejects.toThrow();
      const { requests } = await sim.waitFor(({ requests }) => requests[0]?.state === "aborted");
      expect(requests[0]?.tokens).toBeLessThan(200);
    }),
  );

  it("llama-cpp notices only when it looks, and not at all under X-Conversation-Id", () =>
    withSimulator({ kind: "llama-cpp", gapMs: 2, disconnectPollMs: 150 }, async (sim) => {
      await leaveWhen(sim, CHAT, chat("Hello [sim tokens=4000]"), (heard) => heard.split("\n\n").length > 3);
      const { requests } = await sim.waitFor((seen) => seen.requests[0]?.state === "aborted");
      expect((requests[0]?.aborted?.afterStartMs ?? 0) / 150).toBeGreaterThan(0.98);
      const controller = new AbortController();
      await fetch(sim.url + CHAT, {
        method: "POST",
        body: JSON.stringify(chat("Hello [sim tokens=4000]")),
        headers: { "content-type": "application/json", "x-conversation-id": "c1" },
        signal: controller.signal,
      });
      controller.abort();
      const before =
        (await sim.waitFor(({ openConnections }) => openConnections === 0)).requests[1]?.tokens ?? 0;
      await sim.waitFor(({ requests }) => (requests[1]?.tokens ?? 0) > before + 100);
      const stopped = await fetch(`${sim.url}/v1/stream?conv_id=c1`, { method: "DELETE" });
      expect(stopped.status).toBe(200);
      await sim.waitFor(({ running }) => running === 0);
    }));

  it("sglang goes on with a stream whose client has left, and is ended by its id before that only", () =>
    withSimulator({ kind: "sglang", gapMs: 2 }, async (sim) => {
      const body = (rid: string) => chat("Hello [sim tokens=4000]", { rid });
      const begun = (heard: string) => heard.split("\n\n").length > 4;
      await leaveWhen(sim, CHAT, body("req-left"), begun);
      await post(sim, "/abort_request", { rid: "req-left" });
      const ghost = () => sim.seen().requests[0]?.tokens ?? 0;
      const before = ghost();
      await sim.waitFor(() => ghost() > before + 50);
      const streams = ["req-1", "req-10", "req-2"].map((rid) => post(sim, CHAT, body(rid)));
      await sim.waitFor(({ requests }) => requests.slice(2).every(({ tokens }) => tokens > 2));
      expect((await post(sim, "/abort_request", { rid: "req-1" })).text).toBe("");
      // Ids are compared by how they begin.
      for (const heard of await Promise.all(streams.slice(0, 2))) {
        expect(heard.text).toMatch(
          /"finish_reason":"abort","matched_stop":null\}\]\}\n\ndata: \[DONE\]\n\n$/,
        );
        expect(heard.broken).toBe(false);
      }
      expect(sim.seen().requests.filter(({ state }) => state === "aborted")).toHaveLength(2);
      await post(sim, "/abort_request", { abort_all: true });
      expect((await streams[2])?.text).toContain('"finish_reason":"abort"');
    }));

  it("sglang tells a whole answer that it was aborted, queued or not", () =>
    withSimulator({ kind: "sglang", gapMs: 5, slots: 1 }, async (sim) => {
      const whole = (rid: string) => post(sim, CHAT, chat("Hello [sim tokens=4000]", { rid, stream: false }));
      const answers = [whole("req-a"), whole("req-b")];
      await sim.waitFor(({ running, waiting }) => running === 1 && waiting === 1);
      await post(sim, "/abort_request", { rid: "req-" });
      for (const { status, text: heard } of await Promise.all(answers)) {
        expect(status).toBe(200);
        expect(JSON.parse(heard).choices[0].finish_reason).toBe("abort");
      }
    }));

  it("rejects a wait at its deadline and says what there was instead", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      await get(sim, "/health");
      await expect(sim.waitFor(() => false, 10)).rejects.toThrow(
        /Not seen within 10 ms. Requests: 1 \/health finished/,
      );
    }));
});

describe("server-wide behaviour", () => {
  it("runs as many as it has slots; the others wait in order and may leave", () =>
    withSimulator({ kind: "vllm", slots: 1 }, async (sim) => {
      const first = leaveWhen(sim, CHAT, chat("a [sim hang=2]"), () => sim.seen().requests.length === 3);
      await sim.waitFor(({ running }) => running === 1);
      const gone = leaveWhen(sim, CHAT, chat("b"), (heard) => heard.includes("200 OK"));
      await gone;
      const { requests } = await sim.waitFor(
        (seen) => seen.requests[1]?.state === "aborted" && seen.waiting === 0,
      );
      expect(requests[1]?.tokens).toBe(0);
      const third = post(sim, CHAT, chat("c"));
      await sim.waitFor(({ waiting }) => waiting === 1);
      await sim.configure({ slots: 2 });
      expect((await third).broken).toBe(false);
      await sim.stop();
      await first.catch(() => undefined);
    }));

  it("fails the next n generating requests and no probe", () =>
    withSimulator({ kind: "openai", failNext: { count: 2, with: "status=503" } }, async (sim) => {
      expect((await get(sim, "/v1/models")).status).toBe(200);
      const statuses = [];
      for (let at = 0; at < 3; at++) statuses.push((await post(sim, CHAT, chat("Hello"))).status);
      expect(statuses).toEqual([503, 503, 200]);
    }));

  it("aims a directive at one server, or at the first attempt", async () => {
    const a = await startSimulator({ kind: "vllm", name: "a" });
    const b = await startSimulator({ kind: "vllm", name: "b" });
    try {
      const body = chat("Hello [sim on=a die=3]");
      expect((await post(a, CHAT, body)).broken).toBe(true);
      expect((await post(b, CHAT, body)).broken).toBe(false);
      const once = chat("Hello [sim once die=3]");
      expect((await post(a, CHAT, once)).broken).toBe(true);
      expect((await post(a, CHAT, once)).broken).toBe(false);
    } finally {
      await a.stop();
      await b.stop();
    }
  });

  it("refuses connections and listens again on the same port", () =>
    withSimulator({ kind: "ollama" }, async (sim) => {
      await sim.configure({ refuse: true });
      await expect(get(sim, "/")).rejects.toThrow();
      await sim.configure({ refuse: false });
      expect((await get(sim, "/")).status).toBe(200);
    }));

  it("dies like a killed process, in the middle of its streams, and comes back", () =>
    withSimulator({ kind: "vllm", gapMs: 5 }, async (sim) => {
      const streams = [1, 2, 3].map((at) => post(sim, CHAT, chat(`${at} [sim tokens=4000]`)));
      await sim.waitFor(
        ({ requests }) => requests.length === 3 && requests.every(({ tokens }) => tokens > 2),
      );
      await sim.kill();
      for (const heard of await Promise.all(streams)) expect(heard.broken).toBe(true);
      await expect(get(sim, "/health")).rejects.toThrow();
      await sim.revive();
      expect((await get(sim, "/health")).status).toBe(200);
    }));

  it("is steered over HTTP as well", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      expect((await post(sim, "/__sim/configure", { always: "die=2" })).status).toBe(200);
      expect((await post(sim, CHAT, chat("Hello"))).broken).toBe(true);
      const seen = JSON.parse((await get(sim, "/__sim/seen")).text);
      expect(seen.requests).toHaveLength(1);
      expect((await post(sim, "/__sim/configure", { nonsense: 1 })).status).toBe(400);
      expect((await post(sim, "/__sim/configure", { always: "dye=2" })).status).toBe(400);
      await post(sim, "/__sim/reset", {});
      expect(sim.seen().requests).toEqual([]);
    }));

  it("carries 64 streams of 200 tokens at once, each with its own text", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      const heard = await Promise.all(
        Array.from({ length: 64 }, (_, at) => post(sim, CHAT, chat(`${at} [sim tokens=200]`))),
      );
      for (const [at, each] of heard.entries())
        expect(joined(each.text)).toBe(predictChat(chat(`${at} [sim tokens=200]`)).text);
      expect(sim.seen().tokens).toBe(64 * 200);
    }));

  it("continues a stream that broke on another kind, byte for byte, at every place it can break", async () => {
    const a = await startSimulator({ kind: "vllm", name: "a" });
    const b = await startSimulator({ kind: "llama-cpp" });
    try {
      const full = predictChat(chat("Carry on [sim tokens=24]")).text;
      for (let at = 1; at <= 24; at++) {
        const body = chat(`Carry on [sim tokens=24] [sim on=a die=t${at}]`);
        const before = joined((await post(a, CHAT, body)).text);
        const messages = [...body.messages, { role: "assistant", content: before }];
        const goOn = { messages, continue_final_message: true, echo: false };
        expect(before + joined((await post(b, CHAT, { ...body, ...goOn })).text)).toBe(full);
        expect(joined((await post(b, CHAT, { ...body, messages })).text)).toBe(full);
      }
    } finally {
      await a.stop();
      await b.stop();
    }
  });

  it("serves a legacy completion that generate() predicts", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      const { text } = await post(sim, "/v1/completions", { prompt: "Once upon", max_tokens: 100 });
      expect(JSON.parse(text).choices[0].text).toBe(generate("", "Once upon").join(""));
    }));
});

describe("a request that no engine would live through", () => {
  it.each<[string, string]>([
    ["more calls than fit in memory", "[tools=99999999999] go"],
    ["more tokens than fit in memory", "[sim tokens=99999999999] go"],
    ["a token that does not fit in memory", "[sim huge=99999999999] go"],
  ])("costs no more than itself: %s", (_, content) =>
    withSimulator({ kind: "openai" }, async (sim) => {
      const tools = [{ type: "function", function: { name: "f", parameters: { type: "object" } } }];
      await post(sim, CHAT, chat(content, { tools, stream: false }));
      expect((await post(sim, CHAT, chat("Hello"))).status).toBe(200);
    }),
  );

  it.each<[string, object]>([
    ["tokens", { ignore_eos: true, max_tokens: 99_999_999_999 }],
    ["choices", { n: 99_999_999_999, max_tokens: 1 }],
  ])("costs no more than itself where it asks for that many %s", (_, fields) =>
    withSimulator({ kind: "vllm", contextTokens: Infinity }, async (sim) => {
      await post(sim, "/v1/completions", { model: "sim-model", prompt: "Once", ...fields });
      expect((await post(sim, CHAT, chat("Hello"))).status).toBe(200);
    }),
  );

  it("is a bug: it is answered with 500 and told, and the next one is answered", async () => {
    const told = vi.spyOn(console, "error").mockReturnValue();
    await withSimulator({ kind: "openai" }, async (sim) => {
      const nested = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
      expect((await post(sim, CHAT, nested)).status).toBe(500);
      expect((await post(sim, CHAT, chat("Hello"))).status).toBe(200);
    });
    expect(told).toHaveBeenCalledOnce();
    told.mockRestore();
  });

  it("is no address: not found, and the next one is answered", () =>
    withSimulator({ kind: "openai" }, async (sim) => {
      expect((await get(sim, "//")).status).toBe(404);
      expect((await get(sim, "/v1/models")).status).toBe(200);
    }));
});
