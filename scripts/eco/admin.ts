import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import type { PasswordSet, ResetToken } from "../../shared/contracts/accounts.ts";
import type { AccountList, NewAccount } from "../../shared/contracts/workspaces.ts";
import { randomBase62 } from "../../shared/kernel/ids.ts";
import { type Command, EcoError, type Io } from "./command.ts";
import { PLATFORM_OPTIONS, type Target, askPlatform, targetOf } from "./platform.ts";

const MADE_LENGTH = 24;

const OPTIONS = {
  ...PLATFORM_OPTIONS,
  email: { type: "string" },
  name: { type: "string" },
  role: { type: "string" },
  "password-stdin": { type: "boolean" },
} as const;

/** What an action was given. */
type Given = {
  readonly email: string;
  readonly name: string | undefined;
  readonly role: string | undefined;
  readonly password: string | undefined;
};
type Action = (io: Io, target: Target, given: Given) => Promise<void>;

/** Accounts of those who run the platform. */
export const admin: Command = {
  usage: [
    "admin create --email ADDRESS [--name NAME] [--role admin|developer|viewer] [--password-stdin]",
    "admin list",
    "admin reset-password --email ADDRESS [--password-stdin]",
  ],
  async run(args, io) {
    const [name = "", ...rest] = args;
    const action = new Map(Object.entries(ACTIONS)).get(name);
    if (!action) throw new EcoError(name === "" ? "What with `admin`?" : `There is no \`admin ${name}\`.`);
    const values = read(rest);
    if (action !== list && values.email === undefined) throw new EcoError("`--email` is missing.");
    const target = targetOf(values, io.env);
    const password = values["password-stdin"] ? await firstLine(io) : undefined;
    await action(io, target, { email: values.email ?? "", name: values.name, role: values.role, password });
    return 0;
  },
};

const create: Action = async (io, target, given) => {
  const { email, workspaces, password } = await askPlatform<NewAccount>(
    io,
    target,
    "POST",
    "/admin/users",
    given,
  );
  const [workspace] = workspaces;
  io.print(`${email} can sign in at ${target.url}: ${workspace?.role} of ${workspace?.name}.`);
  if (password !== undefined) io.print(`Password, shown this once: ${password}`);
};

const list: Action = async (io, target) => {
  let after = "";
  for (let more = true; more;) {
    const path = `/admin/users?operators=true&after=${encodeURIComponent(after)}`;
    const page = await askPlatform<AccountList>(io, target, "GET", path);
    for (const { email, name, disabled, workspaces } of page.data) {
      const roles = workspaces
        .filter(({ operator }) => operator)
        .map(({ role, name }) => `${role} of ${name}`);
      io.print([email, name, roles.join(", "), ...(disabled ? ["disabled"] : [])].join("\t"));
    }
    after = page.data.at(-1)?.id ?? "";
    more = page.hasMore;
  }
};

const resetPassword: Action = async (io, target, { email, password }) => {
  const { token, user } = await askPlatform<ResetToken>(io, target, "POST", "/auth/password/reset-token", {
    email,
  });
  const newPassword = password ?? randomBase62(MADE_LENGTH, (count) => new Uint8Array(randomBytes(count)));
  await askPlatform<PasswordSet>(io, target, "POST", "/auth/password/reset", { token, newPassword });
  io.print(`${user.email} has a new password, and is signed out everywhere.`);
  if (password === undefined) io.print(`Password, shown this once: ${newPassword}`);
};

const ACTIONS: Readonly<Record<string, Action>> = { create, list, "reset-password": resetPassword };

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    // parseArgs throws nothing but its verdict on the arguments; the first sentence is enough.
    throw new EcoError(`${String((error as Error).message).split(". ")[0]}.`);
  }
}

/** A password that is piped in, so that it stands on no command line: those can be read by everybody on the machine. */
async function firstLine(io: Io): Promise<string> {
  const line = (await io.readInput()).split(/\r?\n/)[0] ?? "";
  if (line === "") throw new EcoError("No password came in by `--password-stdin`.");
  return line;
}
