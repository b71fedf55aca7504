/** Whether a topic is one of the filter (MQTT 3.1.1, 4.7); wildcards at the start leave out topics that begin with $. */
export function matchesTopic(filter: string, topic: string): boolean {
  const filterLevels = filter.split("/");
  const topicLevels = topic.split("/");
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
  for (const [index, level] of filterLevels.entries()) {
    if (level === "#") return true;
    if (index >= topicLevels.length || (level !== "+" && level !== topicLevels[index])) return false;
  }
  return filterLevels.length === topicLevels.length;
}

/** What MQTT allows at most. */
const MAX_BYTES = 65_535;

/** Whether a text may be published on: no wildcard, no NUL, not empty, not too long. */
export function isTopicName(text: string): boolean {
  return isMqttText(text) && !/[+#]/.test(text);
}

/** Whether a text is a topic filter: wildcards stand for whole levels, `#` for the last ones only. */
export function isTopicFilter(text: string): boolean {
  if (!isMqttText(text)) return false;
  const levels = text.split("/");
  return levels.every((level, index) => {
    if (level === "#") return index === levels.length - 1;
    return level === "+" || !/[+#]/.test(level);
  });
}

function isMqttText(text: string): boolean {
  return text !== "" && !text.includes("\0") && new TextEncoder().encode(text).byteLength <= MAX_BYTES;
}
