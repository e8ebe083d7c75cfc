// What a browser and the desktop window do differently.

/** The one type the desktop shell binds; see app/shell. */
export interface Bridge {
  Start(): Promise<Start>;
  RunHere(): Promise<Start>;
  Connect(url: string): Promise<Start>;
  SaveText(name: string, text: string): Promise<boolean>;
}

export interface Start {
  /** "ready" when a backend is chosen, "choose" when the person must choose. */
  state: 'ready' | 'choose' | 'starting' | 'failed';
  /** Origin of the backend. */
  url: string;
  /** A token of this start; empty when the person must sign in. */
  token: string;
  user: string;
  tenant: string;
  /** Route to open first. */
  open: string;
  error: string;
}

export interface Platform {
  desktop: Bridge | null;
  /** Hands a text file to the person; false when they changed their mind. */
  save(name: string, text: string): Promise<boolean>;
}

interface WailsWindow {
  go?: { shell?: { Shell?: Bridge } };
}

function bridge(): Bridge | null {
  return (window as unknown as WailsWindow).go?.shell?.Shell ?? null;
}

function download(name: string, text: string): Promise<boolean> {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return Promise.resolve(true);
}

/** The platform the page runs on. A link that downloads does nothing in a webview, so there Go writes the file. */
export function platform(): Platform {
  const desktop = bridge();
  return { desktop, save: desktop === null ? download : (name, text) => desktop.SaveText(name, text) };
}
