/** Stable before beta before alpha, newer before older. */
export function compareVersions(left: string, right: string): number {
  const rank = (text: string): number => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text);
    if (!match) return -1;
    const [, major = "0", stage, minor = "0"] = match;
    const stageRank = stage === undefined ? 2 : stage === "beta" ? 1 : 0;
    return stageRank * 1e9 + Number(major) * 1e4 + Number(minor);
  };
  return rank(right) - rank(left);
}
