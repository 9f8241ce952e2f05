import { SignJWT, errors, jwtVerify } from "jose";
import { z } from "zod";
import { SessionId, UserId, WorkspaceId } from "../../../shared/kernel/ids.ts";

/** How long an access token is good for, in seconds. */
export const ACCESS_TOKEN_S = 15 * 60;

const ISSUER = "eco-base";
const AUDIENCE = "eco-base/api";
const ALGORITHM = "HS256";
/** Parts the key that signs tokens from everything else that is made with the same secret. */
const KEY_LABEL = "eco-base access tokens 1";

/** What an access token says: who, in which session, and in which workspace. */
export const Claims = z.object({
  sub: UserId,
  sid: SessionId,
  ws: WorkspaceId,
  /** When it ends, in seconds since 1970. */
  exp: z.int(),
});
export type Claims = z.infer<typeof Claims>;

/** Access tokens: JSON Web Tokens that only this platform can make. */
export type AccessTokens = {
  issue(who: Omit<Claims, "exp">, nowMs: number): Promise<string>;
  /** What a token says; undefined for one that is not ours, was tampered with, or has ended. */
  read(token: string, nowMs: number): Promise<Claims | undefined>;
};

/**
 * Access tokens that are signed with a key derived from the secret. The algorithm is ours to choose: what a token says of
 * its own is compared with it, and never obeyed. https://www.rfc-editor.org/rfc/rfc8725#section-3.1
 */
export function createAccessTokens(secret: string): AccessTokens {
  let derived: ReturnType<typeof deriveKey> | undefined;
  const keyOf = () => (derived ??= deriveKey(secret));
  return {
    async issue({ sub, sid, ws }, nowMs) {
      const nowS = Math.floor(nowMs / 1000);
      return new SignJWT({ sid, ws })
        .setProtectedHeader({ alg: ALGORITHM, typ: "JWT" })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(sub)
        .setIssuedAt(nowS)
        .setExpirationTime(nowS + ACCESS_TOKEN_S)
        .sign(await keyOf());
    },
    async read(token, nowMs) {
      const verified = await jwtVerify(token, await keyOf(), {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: AUDIENCE,
        currentDate: new Date(nowMs),
        requiredClaims: ["iat", "exp", "sub"],
      }).catch((error: unknown) => {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      });
      const claims = Claims.safeParse(verified?.payload);
      return claims.success ? claims.data : undefined;
    },
  };
}

/** https://www.rfc-editor.org/rfc/rfc5869 */
async function deriveKey(secret: string) {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const material = await crypto.subtle.importKey("raw", bytes(secret), "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: bytes(KEY_LABEL) },
    material,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}
