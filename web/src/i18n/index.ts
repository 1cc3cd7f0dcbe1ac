// Every text a person reads goes through `t`. In: a key of the message file and its values. Out: the text in the
// reader's language. Must not hold any sentence itself. A further language is one more JSON file beside `en.json`.
import en from "./en.json";

/** A message key; plural messages are named without their `_one`, `_other` ending. */
export type MessageKey = keyof typeof en;
type PluralStem<K> = K extends `${infer Stem}_other` ? Stem : never;
export type PluralKey = PluralStem<MessageKey>;
export type MessageValues = Record<string, string | number>;

const messages: Record<string, string> = en;
export const locale = "en";
const plurals = new Intl.PluralRules(locale);
const numbers = new Intl.NumberFormat(locale);

function fill(text: string, values: MessageValues): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? numbers.format(value) : value;
  });
}

/** The message of `key` with `{names}` replaced by `values`. */
export function t(key: MessageKey, values: MessageValues = {}): string {
  return fill(messages[key] ?? key, values);
}

/** The message of `stem` in the plural form that `count` needs; a `_zero` form is used for 0 where there is one. */
export function plural(stem: PluralKey, count: number, values: MessageValues = {}): string {
  const exact = count === 0 ? messages[`${stem}_zero`] : undefined;
  const text = exact ?? messages[`${stem}_${plurals.select(count)}`] ?? messages[`${stem}_other`];
  return fill(text ?? stem, { count, ...values });
}
