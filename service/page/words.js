// Numbers and answers in plain words.

/** Give how sure a network is, for somebody who has never heard of a score. */
export function sureness(confidence) {
  if (confidence >= 0.98) return "Very sure";
  if (confidence >= 0.9) return "Sure";
  if (confidence >= 0.7) return "Fairly sure";
  if (confidence >= 0.45) return "Not sure";
  return "Only guessing";
}

/** Give a share in per cent, never as all or nothing. */
export function percent(share, digits = 1) {
  const text = (100 * share).toFixed(digits);
  if (share < 1 && Number(text) >= 100) return `>\u00a0${(100 - 10 ** -digits).toFixed(digits)}\u00a0%`;
  if (share > 0 && Number(text) === 0) return `<\u00a0${(10 ** -digits).toFixed(digits)}\u00a0%`;
  return `${text}\u00a0%`;
}

/** Give the class that comes second, as a sentence. */
export function runnerUp(labels, prediction) {
  const order = prediction.scores.map((_, i) => i).sort((a, b) => prediction.scores[b] - prediction.scores[a]);
  const second = order[1];
  const share = prediction.scores[second];
  if (prediction.confidence >= 0.98 || share < 0.02) return `${percent(prediction.confidence)} for it.`;
  return `${percent(prediction.confidence)} for it, ${percent(share)} for ${labels[second] ?? second}.`;
}

export function date(text) {
  return new Date(text).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

export function count(number) {
  if (number >= 1e6) return `${(number / 1e6).toFixed(1)} million`;
  return number.toLocaleString();
}
