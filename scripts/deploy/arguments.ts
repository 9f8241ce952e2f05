import { parseArgs } from "node:util";
import { type Result, err, ok } from "../../shared/kernel/result.ts";

/** An environment of wrangler.toml. */
export type Environment = "staging" | "production";

const USAGE = "Usage: npm run deploy [-- --env staging|production]";

/** Reads what `npm run deploy` was given: production unless told otherwise. The error is one line for the user. */
export function readEnvironment(
  args: readonly string[],
  processEnv: NodeJS.ProcessEnv,
): Result<Environment, string> {
  // Without the `--` npm keeps an option for itself, and a deploy meant for staging would go to production.
  if (processEnv.npm_config_env !== undefined)
    return err(`npm took \`--env\` for an option of its own, for want of a \`--\` before it. ${USAGE}`);
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { env: { type: "string", default: "production" } },
    });
    const { env } = values;
    if (env === "staging" || env === "production") return ok(env);
    return err(`\`--env\` must be \`staging\` or \`production\`, not \`${env}\`. ${USAGE}`);
  } catch (error) {
    // parseArgs throws nothing but its verdict on the arguments; the first sentence is enough.
    return err(`${String((error as Error).message).split(". ")[0]}. ${USAGE}`);
  }
}
