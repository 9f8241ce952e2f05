import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

// wrangler would warn once a file that the secrets of `wrangler.toml` are not set: the tests bind their own.
process.env.WRANGLER_LOG ??= "error";

export default defineConfig(async () => ({
  test: {
    maxWorkers: 2,
    projects: [
      {
        // Pure rules: nothing of one file can be seen by another, so they share their workers.
        test: {
          name: "rules",
          include: ["shared/**/*.test.ts"],
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        // Engines, scripts, and the whole platform driven from outside.
        test: {
          name: "node",
          include: ["{workers,engines-infra,scripts}/**/*.test.ts"],
          exclude: ["**/*.workerd.test.ts", "**/*.e2e.test.ts", "**/node_modules/**"],
          // They start processes and servers of their own and share no state; loading the tools anew for each is a third of the time.
          isolate: false,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        // What needs the real runtime from within: Durable Objects, D1, KV.
        plugins: [
          cloudflareTest({
            remoteBindings: false,
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                KEY_PEPPER: "a pepper for tests only",
                TEST_MIGRATIONS: await readD1Migrations("migrations"),
              },
            },
          }),
        ],
        test: {
          name: "workerd",
          include: ["workers/**/*.workerd.test.ts"],
          setupFiles: ["./workers/gateway/testing/apply-migrations.ts"],
          testTimeout: 30_000,
        },
      },
    ],
  },
}));
