/**
 * Wait for a condition.
 *
 * @param {() => unknown} condition
 * @param {() => unknown} [explain]  what to show where it never comes true
 */
export async function until(condition, explain = () => condition.toString()) {
  const giveUpAt = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > giveUpAt) throw new Error(`never came true: ${JSON.stringify(explain())}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
