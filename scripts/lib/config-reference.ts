import { CONFIG_FIELDS, CONFIG_FILE, type ConfigField } from "@handlebar/server";

/** `docs/reference/configuration.md`: every setting of the control plane. */
export function configurationPage(): string {
  const intro = [
    "# Settings of the control plane",
    "",
    "`handlebar serve` takes its settings from options, then from the environment, then from one file, then from these defaults. The file is",
    `\`${CONFIG_FILE}\` in the working directory, or what \`--config\` names: one JSON object with the names below. \`handlebar doctor\` prints every`,
    "setting with where it came from, secrets left out. An empty value counts as absent; an unknown or wrong one stops the start with its name.",
    "",
    "This page is made from the one table in `packages/server/src/life/config-fields.ts`.",
    "",
    "| name | option | environment | what | default |",
    "| --- | --- | --- | --- | --- |",
  ];
  return `${[...intro, ...CONFIG_FIELDS.map(row)].join("\n")}\n`;
}

function row(field: ConfigField): string {
  const { name, flag, env, byDefault } = field;
  const byDefaultText = byDefault === undefined ? "" : `\`${byDefault}\``;
  return `| \`${name}\` | \`--${flag}\` | \`${env}\` | ${meaningOf(field)} | ${byDefaultText} |`;
}

function meaningOf({ meaning, kind, min, max, choices, isSecret }: ConfigField): string {
  const form = kind === "integer" ? `; ${min} to ${max}` : kind === "choice" ? `; one of ${choices?.join(", ")}` : "";
  return `${meaning}${form}${isSecret === true ? "; secret, so better not as an option" : ""}`;
}
