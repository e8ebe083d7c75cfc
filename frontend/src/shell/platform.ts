// What a browser and the desktop window do differently.

/** The one type the desktop shell binds; see app/shell. */
export interface Bridge {
  Start(): Promise<Start>;
  RunHere(demo: boolean): Promise<Start>;
  Connect(address: string): Promise<Start>;
  Forget(): Promise<Start>;
  SaveText(name: string, text: string): Promise<boolean>;
}

export interface Start {
  state: 'ready' | 'choose' | 'failed';
  /** Where the backend answers. */
  url: string;
  /** Good until the window is closed; empty when the person must sign in. */
  token: string;
  /** Route to show first. */
  open: string;
  /** The address that was chosen, when the backend is not the window's own. */
  server: string;
  error: string;
}

interface WailsWindow {
  go?: { shell?: { Shell?: Bridge } };
}

/** The way into the desktop shell, or null in a browser. */
export function desktop(): Bridge | null {
  return (window as unknown as WailsWindow).go?.shell?.Shell ?? null;
}

function download(name: string, file: Blob): boolean {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return true;
}

/** Says whether files that are not text can be handed over; the desktop window writes text only. */
export function savesBinary(): boolean {
  return desktop() === null;
}

/**
 * Hands a file to the person; false when they changed their mind. A link that
 * downloads does nothing in a webview, so there Go writes the file, as text.
 */
export async function saveFile(name: string, file: Blob): Promise<boolean> {
  const bridge = desktop();
  return bridge === null ? download(name, file) : bridge.SaveText(name, await file.text());
}
