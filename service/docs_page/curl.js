// A request as a command for a terminal.

/** Longest body that stands in the command itself. */
const LONGEST = 500;

/** Give a text in quotes that a shell takes as it is. */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Give the command for a request: method, url, headers, and a body of type with text or a file's name. */
export function curl({ method, url, headers, type, text, file, admin }) {
  const parts = [`curl -s ${quoted(url)}`];
  if (method !== "get" && !(method === "post" && type)) parts.push(`-X ${method.toUpperCase()}`);
  if (admin) parts.push('-H "Authorization: Bearer $MLP_ADMIN_TOKEN"');
  for (const [name, value] of headers) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (type?.startsWith("multipart/")) parts.push(`-F image=@${file}`);
  else if (type) {
    parts.push(`-H ${quoted(`Content-Type: ${type}`)}`);
    parts.push(text === undefined ? `--data-binary @${file}` : `-d ${text.length > LONGEST ? "@body.json" : quoted(text)}`);
  }
  return parts.join(" \\\n  ");
}
