// Buttons: a plain one, and an icon-only one that always has a name and a tooltip with its key.
import { Tooltip } from "radix-ui";
import type { ComponentProps, ReactElement, ReactNode } from "react";
import { t } from "../i18n";

interface ButtonProps extends ComponentProps<"button"> {
  look?: "primary" | "danger" | "plain";
  wide?: boolean;
}

export function Button({ look, wide, className, type = "button", ...rest }: ButtonProps) {
  const classes = ["button", look, wide && "wide", className].filter(Boolean).join(" ");
  return <button {...rest} type={type} className={classes} />;
}

/** Shows `label`, and the shortcut `hotkey` behind it, on hover and on keyboard focus. */
export function Tip({
  label,
  hotkey,
  children,
}: {
  label: string;
  hotkey?: string | undefined;
  children: ReactElement;
}) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="tooltip" sideOffset={6} collisionPadding={8}>
          {hotkey ? t("keys.tooltip", { label, key: hotkey }) : label}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

export function IconButton({
  label,
  hotkey,
  children,
  className,
  ...rest
}: Omit<ButtonProps, "aria-label"> & { label: string; hotkey?: string; children: ReactNode }) {
  return (
    <Tip label={label} hotkey={hotkey}>
      <Button
        {...rest}
        aria-label={label}
        aria-keyshortcuts={hotkey}
        className={["icon", className].filter(Boolean).join(" ")}
      >
        {children}
      </Button>
    </Tip>
  );
}
