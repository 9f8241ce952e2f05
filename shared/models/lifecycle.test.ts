import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelState } from "../contracts/admin-models.ts";
import {
  ACTION_MS_MAX,
  type Lifecycle,
  type ModelEvent,
  type ModelReport,
  type RunningAction,
  refuseRemoval,
  runningOf,
  stateOf,
  step,
} from "./lifecycle.ts";

const report = (engine: string, health: ModelReport["health"], lists: boolean): ModelReport => ({
  engine,
  health,
  lists,
});
const action = (engine: string, what: RunningAction["action"]): RunningAction => ({
  engine,
  action: what,
  startedAtMs: 0,
});

describe("the state of a model", () => {
  it.each<[string, Parameters<typeof stateOf>, ModelState]>([
    ["nobody has it", ["serve", [], []], "registered"],
    ["no engine lists it", ["serve", [], [report("a", "ready", false)]], "registered"],
    ["an engine lists it", [undefined, [], [report("a", "ready", true)]], "ready"],
    ["the engine that lists it is down", ["serve", [], [report("a", "down", true)]], "registered"],
    ["the engine that lists it is starting", ["serve", [], [report("a", "loading", true)]], "loading"],
    [
      "one of two engines is starting",
      ["serve", [], [report("a", "loading", true), report("b", "ready", true)]],
      "ready",
    ],
    ["it is being loaded", ["serve", [action("a", "load")], [report("a", "ready", false)]], "loading"],
    ["it is being pulled", ["serve", [action("a", "pull")], []], "loading"],
    [
      "it is being loaded on one engine more",
      ["serve", [action("b", "load")], [report("a", "ready", true)]],
      "ready",
    ],
    ["it is being unloaded", ["serve", [action("a", "unload")], [report("a", "ready", true)]], "unloading"],
    [
      "it is being unloaded from one of two engines",
      ["serve", [action("a", "unload")], [report("a", "ready", true), report("b", "ready", true)]],
      "ready",
    ],
    ["its engine sleeps", ["serve", [action("a", "sleep")], [report("a", "ready", true)]], "ready"],
    ["it is retired", ["retire", [], [report("a", "ready", false)]], "retired"],
    ["it is retired, and an engine still has it", ["retire", [], [report("a", "down", true)]], "unloading"],
  ])("where %s", (_, facts, state) => {
    expect(stateOf(...facts)).toBe(state);
  });

  it("forgets an action whose end nobody told", () => {
    const started = [action("a", "load")];
    expect(runningOf(started, ACTION_MS_MAX - 1)).toEqual(started);
    expect(runningOf(started, ACTION_MS_MAX)).toEqual([]);
  });
});

describe("the steps of a model's life", () => {
  it.each<[Lifecycle, ModelEvent, RegExp]>([
    [{ state: "retired", wish: "retire" }, "load", /retired cannot be loaded/],
    [{ state: "retired", wish: "retire" }, "retire", /retired cannot be retired/],
    [{ state: "registered", wish: "serve" }, "unload", /registered cannot be unloaded/],
    [{ state: "registered", wish: "serve" }, "restore", /registered cannot be restored/],
    [{ state: "loading", wish: "serve" }, "load", /loading cannot be loaded/],
    [{ state: "loading", wish: "serve" }, "retire", /loading cannot be retired/],
    [{ state: "unloading", wish: "serve" }, "load", /unloading cannot be loaded/],
    [{ state: "unloading", wish: "retire" }, "load", /unloading cannot be loaded/],
  ])("refuse: %j %s", (lifecycle, event, says) => {
    const stepped = step(lifecycle, event);
    expect(stepped.ok ? "" : stepped.error).toMatch(says);
  });

  it("lead from the first state to the last and back", () => {
    const way: [ModelEvent, ModelState][] = [
      ["load", "loading"],
      ["appeared", "ready"],
      ["retire", "unloading"],
      ["disappeared", "retired"],
      ["restore", "registered"],
      ["appeared", "ready"],
      ["unload", "unloading"],
      ["disappeared", "registered"],
    ];
    let at: Lifecycle = { state: "registered", wish: "serve" };
    for (const [event, state] of way) {
      const next = step(at, event);
      expect(next.ok && next.value.state).toBe(state);
      if (next.ok) at = next.value;
    }
  });

  /** One engine, and all that is known of a model on it. */
  type Facts = { wish: "serve" | "retire"; running?: "load" | "unload"; lists: boolean };
  const stateIn = ({ wish, running, lists }: Facts): ModelState =>
    stateOf(wish, running ? [action("a", running)] : [], [report("a", "ready", lists)]);
  /** The facts after an event; undefined where it cannot happen to them. */
  function after(facts: Facts, event: ModelEvent): Facts | undefined {
    switch (event) {
      case "load":
      case "unload":
        return facts.running ? undefined : { ...facts, running: event };
      case "load_ended":
        return facts.running === "load" ? { ...facts, running: undefined } : undefined;
      case "unload_ended":
        return facts.running === "unload" ? { ...facts, running: undefined } : undefined;
      case "appeared":
        // What ends by it ends with it.
        return { wish: facts.wish, lists: true, ...(facts.running === "unload" && { running: "unload" }) };
      case "disappeared":
        return {
          wish: facts.wish,
          lists: false,
          ...(facts.running === "load" && !facts.lists && { running: "load" }),
        };
      case "retire":
        return { ...facts, wish: "retire" };
      case "restore":
        return { ...facts, wish: "serve" };
    }
  }

  it("agree with what wishes, actions and engines say, whatever happens in whatever order", () => {
    const events: ModelEvent[] = [
      "load",
      "unload",
      "retire",
      "restore",
      "load_ended",
      "unload_ended",
      "appeared",
      "disappeared",
    ];
    const visited = new Set<string>();
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (sequence) => {
        let facts: Facts = { wish: "serve", lists: false };
        for (const event of sequence) {
          const state = stateIn(facts);
          const stepped = step({ state, wish: facts.wish }, event);
          const next = after(facts, event);
          if (!stepped.ok || !next) continue;
          // Restored while it is being unloaded, it is ready only if it is still there in the end.
          if (facts.running === "unload" && event === "restore") continue;
          expect({ event, from: state, to: stateIn(next) }).toEqual({
            event,
            from: state,
            to: stepped.value.state,
          });
          expect(next.wish).toBe(stepped.value.wish);
          visited.add(`${state} ${event}`);
          facts = next;
        }
      }),
      { numRuns: 500 },
    );
    expect(visited.size).toBeGreaterThan(15);
  });
});

describe("removing a model", () => {
  it.each<[ModelState, boolean]>([
    ["registered", true],
    ["retired", true],
    ["ready", false],
    ["loading", false],
    ["unloading", false],
  ])("that is %s: %j", (state, allowed) => {
    expect(refuseRemoval(state) === undefined).toBe(allowed);
  });
});
