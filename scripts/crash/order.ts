/** What a platform that will be killed is to be. */
export type Order = {
  readonly stateDir: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly script: string;
  readonly pepper: string;
  /** Keys to make. */
  readonly keys: number;
};

/** What it tells when it is there. */
export type Born = {
  readonly url: string;
  readonly keys: { readonly id: string; readonly secret: string }[];
  adminKey: string;
};
