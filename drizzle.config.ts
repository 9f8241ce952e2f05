import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: "./workers/gateway/store/schema.ts",
  out: "./migrations",
});
