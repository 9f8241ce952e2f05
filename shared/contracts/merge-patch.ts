import { z } from "zod";

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A value after a JSON merge patch: members of the patch take the place of those of the target, null removes them, and
 * objects are merged in turn. https://www.rfc-editor.org/rfc/rfc7396
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map<string, unknown>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

type PatchShape<Shape extends z.ZodRawShape> = {
  [Name in keyof Shape]: z.ZodOptional<z.ZodNullable<z.ZodType>>;
};

/** The members that a merge patch of these may have: each may be absent, or null to remove it, however deep. */
export const patchShape = <Shape extends z.ZodRawShape>(shape: Shape): PatchShape<Shape> =>
  Object.fromEntries(
    Object.entries(shape).map(([name, schema]) => [name, z.nullish(patchOf(schema as z.ZodType))]),
  ) as unknown as PatchShape<Shape>;

/** What may stand in a patch where this stands in the whole. Rules between members are for the outcome to keep. */
function patchOf(schema: z.ZodType): z.ZodType {
  const plain = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
  const { id: _, ...told } = { ...plain.meta(), ...schema.meta() };
  if (plain instanceof z.ZodObject) return z.strictObject(patchShape(plain.shape)).meta(told);
  if (plain instanceof z.ZodRecord) {
    const value = z.nullable(patchOf(plain.valueType as z.ZodType));
    return z.partialRecord(plain.keyType as z.ZodString, value).meta(told);
  }
  return plain.meta(told);
}
