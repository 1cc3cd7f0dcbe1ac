// Labelled fields with hint and error tied to them for assistive technology: text, several lines, one of a few.
import { type ComponentProps, type ReactNode, useId } from "react";

interface Around {
  label: string;
  hint?: string;
  error?: string | undefined;
}

interface Tied {
  id: string;
  className: string;
  "aria-invalid": true | undefined;
  "aria-describedby": string | undefined;
}

function Labelled({
  label,
  hint,
  error,
  className,
  children,
}: Around & { className?: string | undefined; children: (tied: Tied) => ReactNode }) {
  const id = useId();
  const notes = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className={["field", className].filter(Boolean).join(" ")}>
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        className: "input",
        "aria-invalid": error ? true : undefined,
        "aria-describedby": notes || undefined,
      })}
      {hint && (
        <span id={`${id}-hint`} className="quiet small">
          {hint}
        </span>
      )}
      {error && (
        <span id={`${id}-error`} className="field-error">
          {error}
        </span>
      )}
    </div>
  );
}

/** Optional parts must be left out rather than undefined. */
function around({ label, hint, error, className }: Around & { className?: string | undefined }) {
  return { label, error, className, ...(hint ? { hint } : {}) };
}

export function Field(props: ComponentProps<"input"> & Around) {
  const { label: _label, hint: _hint, error: _error, className: _class, ...input } = props;
  return <Labelled {...around(props)}>{(tied) => <input {...input} {...tied} />}</Labelled>;
}

export function TextArea(props: ComponentProps<"textarea"> & Around) {
  const { label: _label, hint: _hint, error: _error, className: _class, ...area } = props;
  return <Labelled {...around(props)}>{(tied) => <textarea {...area} {...tied} />}</Labelled>;
}

type ChoiceProps = ComponentProps<"select"> & Around & { options: [string, string][] };

/** One of a few; `options` are values with their words. */
export function Choice({ options, ...props }: ChoiceProps) {
  const { label: _label, hint: _hint, error: _error, className: _class, ...select } = props;
  return (
    <Labelled {...around(props)}>
      {(tied) => (
        <select {...select} {...tied}>
          {options.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}
