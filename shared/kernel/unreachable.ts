/** The `default` of an exhaustive switch: a new member of the union stops the program from compiling here. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
