const isColour =
  process.stdout.isTTY === true ? process.env["NO_COLOR"] === undefined : process.env["FORCE_COLOR"] !== undefined;

type Colour = "red" | "green" | "yellow" | "blue" | "grey" | "bold";
const CODES: Readonly<Record<Colour, string>> = {
  red: "31",
  green: "32",
  yellow: "33",
  blue: "36",
  grey: "90",
  bold: "1",
};

export function paint(colour: Colour, text: string): string {
  return isColour ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}

export function say(text = ""): void {
  process.stdout.write(`${text}\n`);
}

export function heading(text: string): void {
  say();
  say(paint("bold", text));
}

/** Rows of equal columns, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length))) ?? [];
  rows.forEach((row, index) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
    say(`  ${index === 0 ? paint("grey", line) : line}`);
  });
}

export function shorten(value: unknown, length = 76): string {
  const text = JSON.stringify(value) ?? "";
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
