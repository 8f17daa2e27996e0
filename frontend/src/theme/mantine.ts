/** Mantine speaks our tokens: its variables point at ours, so that a colour is decided in tokens.css alone. */
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = [
  "#eef0ff", "#dde1ff", "#bcc4ff", "#a3aeff", "#8f9cff", "#7f8eff", "#6c7cf2", "#5a69e4", "#4b59d8", "#3d4ac4",
];

export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: { light: 8, dark: 5 },
  colors: { accent },
  autoContrast: true,
  fontFamily: "var(--font)",
  fontFamilyMonospace: "var(--mono)",
  fontSizes: { xs: "11px", sm: "12px", md: "13px", lg: "15px", xl: "18px" },
  defaultRadius: "var(--r)",
  respectReducedMotion: true,
  cursorType: "pointer",
  focusRing: "auto",
  components: {
    Button: { defaultProps: { size: "sm" } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray", size: 30 } },
    TextInput: { defaultProps: { size: "sm", withAsterisk: false } },
    PasswordInput: { defaultProps: { size: "sm", withAsterisk: false } },
    Select: { defaultProps: { size: "sm", allowDeselect: false, checkIconPosition: "right" } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false, fz: "xs", multiline: true, maw: 320 } },
    Popover: { defaultProps: { shadow: "none", transitionProps: { duration: 90 } } },
    Menu: { defaultProps: { withInitialFocusPlaceholder: false, shadow: "none", transitionProps: { duration: 90 } } },
    Modal: { defaultProps: { closeButtonProps: { "aria-label": "Close" }, centered: true, transitionProps: { duration: 120 }, overlayProps: { backgroundOpacity: 0.55 } } },
    Drawer: { defaultProps: { closeButtonProps: { "aria-label": "Close" }, position: "right", transitionProps: { duration: 140 }, overlayProps: { backgroundOpacity: 0.45 } } },
  },
});

const shared = {
  "--mantine-color-body": "var(--bg)",
  "--mantine-color-text": "var(--text)",
  "--mantine-color-dimmed": "var(--muted)",
  "--mantine-color-placeholder": "var(--faint)",
  "--mantine-color-anchor": "var(--accent-strong)",
  "--mantine-color-default": "var(--panel)",
  "--mantine-color-default-hover": "var(--hover)",
  "--mantine-color-default-color": "var(--text)",
  "--mantine-color-default-border": "var(--line-strong)",
  "--mantine-color-error": "var(--bad)",
  "--mantine-color-disabled": "var(--hover)",
  "--mantine-color-disabled-color": "var(--faint)",
  "--mantine-color-disabled-border": "var(--line)",
  "--mantine-color-gray-light": "var(--hover)",
  "--mantine-color-gray-light-hover": "var(--hover)",
  "--mantine-color-gray-light-color": "var(--muted)",
  "--mantine-color-accent-light": "var(--accent-soft)",
  "--mantine-color-accent-light-hover": "var(--selected)",
  "--mantine-color-accent-light-color": "var(--accent-strong)",
  "--mantine-color-accent-text": "var(--accent-strong)",
  "--mantine-color-accent-outline": "var(--accent-strong)",
  "--mantine-color-accent-filled": "var(--accent)",
  "--mantine-color-accent-filled-hover": "var(--accent-strong)",
  "--mantine-primary-color-contrast": "var(--on-accent)",
  "--mantine-color-red-text": "var(--bad)",
};

export const resolver: CSSVariablesResolver = () => ({ variables: {}, light: shared, dark: shared });
