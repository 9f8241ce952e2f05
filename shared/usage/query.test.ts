import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { USAGE_GROUPS } from "../contracts/usage.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { firstHourOf, hourText } from "./period.ts";
import { readUsageQuery, resumeHour } from "./query.ts";

const NOW_MS = Date.parse("2026-11-23T10:07:12Z");
const hour = (time: string) => Date.parse(time) / 3_600_000;
const read = (text: string, accept: string | null = null) =>
  readUsageQuery(new URLSearchParams(text), accept, NOW_MS);
const queryOf = (text: string) => {
  const found = read(text);
  if (!found.ok) throw new Error(JSON.stringify(found.error));
  return found.value.query;
};

describe("the period", () => {
  it.each<[string, from: string, to: string]>([
    ["", "2026-10-24T11:00:00Z", "2026-11-23T11:00:00Z"],
    ["to=2026-03-01", "2026-01-30T00:00:00Z", "2026-03-01T00:00:00Z"],
    ["from=2026-11-23", "2026-11-23T00:00:00Z", "2026-11-23T11:00:00Z"],
    ["from=2026-11-01&to=2026-12-01", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"],
    ["from=2026-11-01T10:59:59Z&to=2026-11-01T11:00:01Z", "2026-11-01T10:00:00Z", "2026-11-01T12:00:00Z"],
    ["from=2026-11-01T10:00:00Z&to=2026-11-01T11:00:00.000Z", "2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z"],
    ["from=2026-11-01T00:00:00%2B02:00&to=2026-11-01", "2026-10-31T22:00:00Z", "2026-11-01T00:00:00Z"],
    ["from=2026-11-01T00:00:00+02:00&to=2026-11-01", "2026-10-31T22:00:00Z", "2026-11-01T00:00:00Z"],
    ["from=2024-02-29&to=2024-03-01", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"],
    ["from=2025-01-01&to=2026-02-05", "2025-01-01T00:00:00Z", "2026-02-05T00:00:00Z"],
  ])("of %j is whole hours", (text, from, to) => {
    expect(queryOf(text)).toMatchObject({ fromHour: hour(from), toHour: hour(to) });
  });

  it.each<[string, param: string]>([
    ["from=2025-01-01&to=2026-02-06", "from"],
    ["from=2026-11-02&to=2026-11-02", "from"],
    ["from=2026-11-03&to=2026-11-02", "from"],
    ["from=2026-12-01", "from"],
    ["from=2026-02-29", "from"],
    ["from=yesterday", "from"],
    ["from=", "from"],
    ["from=1700000000", "from"],
    ["to=2026-13-01", "to"],
    ["to=2026-11-01T10:00:00", "to"],
    ["to=2026-11-01T25:00:00Z", "to"],
  ])("of %j is refused", (text, param) => {
    expect(read(text)).toMatchObject({ ok: false, error: { kind: "invalid_request", param } });
  });
});

describe("a query", () => {
  it.each<[string, expected: object]>([
    ["", { groups: ["day"], only: {}, limit: 1_000 }],
    ["groupBy=model,day", { groups: ["day", "model"] }],
    ["groupBy=engine, key ,workspace,month,key", { groups: ["month", "workspace", "key", "engine"] }],
    ["key=k&model=m&engine=e&workspace=w", { only: { key: "k", model: "m", engine: "e", workspace: "w" } }],
    ["limit=10000", { limit: 10_000 }],
    ["format=csv", { limit: 10_000 }],
    ["format=csv&limit=5", { limit: 5 }],
  ])("of %j", (text, expected) => {
    expect(queryOf(text)).toMatchObject(expected);
  });

  it.each<[string, param: string]>([
    ["groupBy=", "groupBy"],
    ["groupBy=week", "groupBy"],
    ["groupBy=day,hour", "groupBy"],
    ["groupby=day", "groupby"],
    ["model=a&model=b", "model"],
    ["model=", "model"],
    ["format=xml", "format"],
    ["limit=0", "limit"],
    ["limit=10001", "limit"],
    ["limit=ten", "limit"],
    ["limit=", "limit"],
    ["cursor=abc", "cursor"],
    ["cursor=", "cursor"],
    ["__proto__=1", "__proto__"],
  ])("of %j is refused, and told what is wrong", (text, param) => {
    expect(read(text)).toMatchObject({
      ok: false,
      error: { kind: "invalid_request", param, message: expect.stringContaining(`\`${param}\``) },
    });
  });

  it.each<[string, accept: string | null, format: string]>([
    ["", null, "json"],
    ["", "*/*", "json"],
    ["", "text/csv", "csv"],
    ["", "Text/CSV; charset=utf-8, */*;q=0.1", "csv"],
    ["format=json", "text/csv", "json"],
    ["format=csv", "application/json", "csv"],
  ])("of %j that accepts %j is answered as %s", (text, accept, format) => {
    expect(read(text, accept)).toMatchObject({ ok: true, value: { format } });
  });
});

describe("a cursor", () => {
  const cursor = {
    fromHour: hour("2026-11-01"),
    toHour: hour("2026-11-20"),
    groups: ["day", "model"] as const,
    after: ["2026-11-05", '模型 "x"'],
  };
  const text = encodeCursor({ ...cursor, groups: [...cursor.groups] });

  it("goes on behind its line, in its period, from the first hour that can matter", () => {
    const query = queryOf(`groupBy=day,model&cursor=${text}`);
    expect(query).toMatchObject({ fromHour: cursor.fromHour, toHour: cursor.toHour, after: cursor.after });
    expect(resumeHour(query)).toBe(hour("2026-11-05"));
    expect(queryOf(`groupBy=day,model&from=2026-11-01&to=2026-11-20&cursor=${text}`)).toEqual(query);
  });

  it("never goes back before the period, which may begin within a day or a month", () => {
    const month = encodeCursor({
      ...cursor,
      groups: ["month"],
      after: ["2026-11"],
      fromHour: hour("2026-11-03"),
    });
    expect(resumeHour(queryOf(`groupBy=month&cursor=${month}`))).toBe(hour("2026-11-03"));
    const keys = encodeCursor({ ...cursor, groups: ["key"], after: ["2026-11-05"] });
    expect(resumeHour(queryOf(`groupBy=key&cursor=${keys}`))).toBe(cursor.fromHour);
  });

  it.each<[string, string]>([
    ["of another list", `cursor=${text}`],
    ["of another period", `groupBy=day,model&from=2026-11-02&to=2026-11-20&cursor=${text}`],
    ["of half a period", `groupBy=day,model&from=2026-11-01&cursor=${text}`],
    ["that was cut", `groupBy=day,model&cursor=${text.slice(0, -4)}`],
    ["of a time that is none", `cursor=${encodeCursor({ ...cursor, groups: ["day"], after: ["then"] })}`],
    ["of too few values", `cursor=${encodeCursor({ ...cursor, groups: ["day"], after: [] })}`],
    [
      "of a longer period than there may be",
      `cursor=${encodeCursor({ groups: ["day"], after: ["2026-11-05"], fromHour: 0, toHour: cursor.toHour })}`,
    ],
    [
      "of a period beyond all time",
      `cursor=${encodeCursor({ groups: ["day"], after: ["2026-11-05"], fromHour: 1e12, toHour: 1e12 + 1 })}`,
    ],
  ])("%s is refused", (_, query) => {
    expect(read(query)).toMatchObject({ ok: false, error: { param: "cursor" } });
  });

  it("comes back from its text as it was, whatever the names", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 20 }), { maxLength: 4 }), (after) => {
        const made = { ...cursor, groups: USAGE_GROUPS.slice(3, 3 + after.length), after };
        const encoded = encodeCursor(made);
        expect(encoded).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeCursor(encoded)).toEqual(made);
      }),
    );
  });

  it("is read from any text without a crash", () => {
    fc.assert(
      fc.property(fc.string(), (any) => {
        expect(decodeCursor(any)).toBe(undefined);
      }),
    );
  });
});

describe("an hour", () => {
  it.each<[number, string]>([
    [0, "1970-01-01T00:00:00Z"],
    [hour("2026-02-28T23:00:00Z"), "2026-02-28T23:00:00Z"],
  ])("%d is %s", (at, text) => {
    expect(hourText(at)).toBe(text);
    expect(firstHourOf(text)).toBe(at);
  });
});
