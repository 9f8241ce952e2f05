// The Node that wrangler and our TypeScript need comes from npm as a platform package; where there is none for this
// machine, say what to do instead of failing in the middle of something.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `eco-base needs Node 22.18 or newer, and this is ${process.versions.node}. ` +
      "On Linux, macOS and Windows `npm ci` brings it along; run it without --omit=optional, or install Node 24.",
  );
  process.exit(1);
}
