import { describe, expect, it } from "vitest";
import { PASSWORD_COST } from "../../../shared/auth/password-cost.ts";
import { createPasswords } from "./password.ts";

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
const cheap = createPasswords(random, { n: 1024, r: 8, p: 1 });
const dear = createPasswords(random);

describe("a password's hash", () => {
  it("knows its password and no other, with a salt of its own", async () => {
    const [one, two] = await Promise.all([cheap.hash("right password"), cheap.hash("right password")]);
    expect(one).not.toBe(two);
    expect(one).toMatch(/^scrypt\$1024\$8\$1\$/);
    expect((await cheap.verify("right password", one)).right).toBe(true);
    expect((await cheap.verify("right password", two)).right).toBe(true);
    for (const wrong of ["right passwor", "right password ", "Right password", ""])
      expect((await cheap.verify(wrong, one)).right).toBe(false);
  });

  it("costs what it should, and says when it costs less", async () => {
    const hash = await dear.hash("right password");
    expect(hash.startsWith(`scrypt$${PASSWORD_COST.n}$${PASSWORD_COST.r}$${PASSWORD_COST.p}$`)).toBe(true);
    expect(await dear.verify("right password", hash)).toEqual({ right: true, stale: false });
    const old = await cheap.hash("right password");
    expect(await dear.verify("right password", old)).toEqual({ right: true, stale: true });
  });

  it("is what anybody would compute", async () => {
    // RFC 7914, section 12, cut to what is stored.
    const salt = btoa("NaCl");
    const hash =
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640";
    const base64 = btoa(
      String.fromCodePoint(...(hash.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16))),
    );
    expect((await cheap.verify("password", `scrypt$1024$8$16$${salt}$${base64}`)).right).toBe(true);
  });

  it("of nobody fits no password, and costs as much as any", async () => {
    expect(await cheap.verify("", undefined)).toEqual({ right: false, stale: false });
  });

  it.each(["", "plain text", "scrypt$16384$8$5$$", "bcrypt$1$2$3$AA==$AA=="])("is not %j", async (stored) => {
    await expect(cheap.verify("any password", stored)).rejects.toThrow(/cannot be read/);
  });
});
