/** A way out to the engines in the place of the internet, where there is one: the network of `npm start`, a VPC. */
type Egress = { readonly EGRESS?: Fetcher };

/** How engines are reached. Bound late: called as a method of another object, the global fetch is refused. */
export function egressOf(env: Env): typeof fetch {
  const { EGRESS } = env as Egress;
  return EGRESS ? (input, init) => EGRESS.fetch(input, init) : (input, init) => fetch(input, init);
}
