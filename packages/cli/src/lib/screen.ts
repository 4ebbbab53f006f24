import type { CommandContext } from "./command.ts";

const CODES = { red: "31", green: "32", yellow: "33", bold: "1" } as const;

export function paint(context: CommandContext, colour: keyof typeof CODES, text: string): string {
  return context.hasColour ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}

/** Rows of equal columns, each as wide as its widest cell; numbers stand to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map(String));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  return cells
    .map((row, index) =>
      row
        .map((cell, column) => {
          const isNumber = typeof rows[index || 1]?.[column] === "number";
          const width = widths[column] ?? 0;
          return isNumber ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `  ${line}\n`)
    .join("");
}

/** Text of others, which then moves no cursor and paints nothing. */
export function plainText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\u{fffd}");
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
