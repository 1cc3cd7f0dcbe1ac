// A menu in the call: its panel, one entry of it, an icon and its words. And what is done only after the menu has closed.
import { DropdownMenu } from "radix-ui";
import { type ReactNode, useRef } from "react";

/**
 * For entries that open a dialog: it opens when the menu's button has the focus again, so that the focus comes back there
 * after the dialog. `onCloseAutoFocus` belongs on the menu's content.
 */
export function useAfterMenu() {
  const waiting = useRef<() => void>(undefined);
  return {
    later: (run: () => void) => () => {
      waiting.current = run;
    },
    onCloseAutoFocus: () => {
      const run = waiting.current;
      waiting.current = undefined;
      if (run) queueMicrotask(run);
    },
  };
}

interface MenuPanelProps {
  children: ReactNode;
  align?: "center" | "end";
  sideOffset?: number;
  onCloseAutoFocus?: () => void;
}

/** What opens; goes into a menu's root, after its trigger. */
export function MenuPanel({ children, sideOffset = 8, ...rest }: MenuPanelProps) {
  return (
    <DropdownMenu.Portal>
      <DropdownMenu.Content
        className="menu in-call-menu always-dark"
        sideOffset={sideOffset}
        collisionPadding={8}
        {...rest}
      >
        {children}
      </DropdownMenu.Content>
    </DropdownMenu.Portal>
  );
}

interface EntryProps {
  icon: ReactNode;
  label: string;
  run: () => void;
  /** For an end that cannot be undone. */
  danger?: boolean;
  className?: string;
}

export function Entry({ icon, label, run, danger, className }: EntryProps) {
  const classes = ["menu-item", danger && "danger", className].filter(Boolean).join(" ");
  return (
    <DropdownMenu.Item className={classes} onSelect={run}>
      {icon}
      {label}
    </DropdownMenu.Item>
  );
}
