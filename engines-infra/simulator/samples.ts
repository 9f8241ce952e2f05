/** A tool whose arguments have required members of two types. */
export const WEATHER_TOOL = {
  type: "function" as const,
  function: {
    name: "get_weather",
    description: "The weather in a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer", minimum: 1, maximum: 7 } },
      required: ["city", "days"],
    },
  },
};

/** A schema with an inside. */
export const NOTE_SCHEMA = {
  type: "object",
  properties: {
    title: { type: "string" },
    score: { type: "number" },
    tags: { type: "array", items: { type: "string" }, minItems: 2 },
  },
  required: ["title", "score", "tags"],
  additionalProperties: false,
};
