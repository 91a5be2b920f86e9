// Mantine in the window's own clothes: its variables are set from tokens.css, so that light and dark have one source.
import { type CSSVariablesResolver, createTheme, defaultVariantColorsResolver } from "@mantine/core";

export const theme = createTheme({
  fontFamily: "var(--font)",
  fontFamilyMonospace: "var(--mono)",
  fontSizes: { xs: "12px", sm: "13px", md: "13px", lg: "15px", xl: "19px" },
  defaultRadius: "var(--radius)",
  primaryColor: "blue",
  focusRing: "auto",
  respectReducedMotion: true,
  cursorType: "pointer",
  // White on the accent would be too faint in the dark, where the accent is light.
  variantColorResolver: (input) => {
    const colors = defaultVariantColorsResolver(input);
    return input.variant === "filled" ? { ...colors, color: "var(--accent-text)" } : colors;
  },
  components: {
    Button: { defaultProps: { size: "xs", variant: "filled" } },
    TextInput: { defaultProps: { size: "xs" } },
    Select: { defaultProps: { size: "xs" } },
    NumberInput: { defaultProps: { size: "xs" } },
    SegmentedControl: { defaultProps: { size: "xs" } },
    // A menu that has the focus is not hidden because the page below it scrolls.
    Menu: { defaultProps: { shadow: "sm", position: "bottom-start", hideDetached: false } },
    Popover: { defaultProps: { shadow: "sm", position: "bottom-start" } },
    // A button with a picture alone needs a name.
    Modal: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } },
    Tooltip: { defaultProps: { openDelay: 400 } },
  },
});

const shared = {
  "--mantine-color-body": "var(--page)",
  "--mantine-color-text": "var(--text)",
  "--mantine-color-dimmed": "var(--text-quiet)",
  "--mantine-color-placeholder": "var(--text-quiet)",
  "--mantine-color-anchor": "var(--accent)",
  "--mantine-color-default": "var(--raised)",
  "--mantine-color-default-hover": "var(--sunken)",
  "--mantine-color-default-color": "var(--text)",
  "--mantine-color-default-border": "var(--line-strong)",
  "--mantine-color-error": "var(--bad)",
  "--mantine-primary-color-filled": "var(--accent)",
  "--mantine-primary-color-filled-hover": "var(--accent)",
  "--mantine-primary-color-contrast": "var(--accent-text)",
  "--mantine-primary-color-light": "var(--accent-soft)",
  "--mantine-primary-color-light-hover": "var(--accent-soft)",
  "--mantine-primary-color-light-color": "var(--accent)",
  "--mantine-color-blue-filled": "var(--accent)",
  "--mantine-color-blue-filled-hover": "var(--accent)",
  "--mantine-color-blue-light": "var(--accent-soft)",
  "--mantine-color-blue-light-hover": "var(--accent-soft)",
  "--mantine-color-blue-light-color": "var(--accent)",
};

export const variables: CSSVariablesResolver = () => ({ variables: {}, light: shared, dark: shared });
