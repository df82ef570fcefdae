/** The router's own assertion for a server that wants one with every HTTP request, also where no call is concerned. */

export type OwnAssertion = () => string | Promise<string>;

/**
 * Asked for each request, what it resolves to gives the newest assertion that there is; one that runs out is replaced meanwhile.
 * @param make synchronous while one is fresh
 * @param onFailed told when none could be made; the last one is used until then
 */
export async function keepOwnAssertion(make: OwnAssertion, onFailed: (error: unknown) => void): Promise<() => string> {
  let newest = await make();
  return () => {
    const next = make();
    if (typeof next === 'string') newest = next;
    else {
      next.then((made) => {
        newest = made;
      }, onFailed);
    }
    return newest;
  };
}
