import { LumenizeClient, mesh } from '@lumenize/lmz';

/** What a document does for its clients: document.go. */
interface DocumentDO {
  subscribe(): string;
  update(content: string): void;
}

/** A misspelled word: spellcheck.go. */
export interface SpellFinding {
  word: string;
  /** Of its first character in the content. */
  position: number;
  suggestions: string[];
}

/** What happens to a document that is open. */
export interface DocumentCallbacks {
  onContentUpdate?: (content: string) => void;
  onSpellFindings?: (findings: SpellFinding[]) => void;
}

export interface OpenDocument {
  saveContent(content: string): void;
  close(): void;
}

/** A client that edits documents. Others may call the methods with @mesh(), and nothing else. */
export class EditorClient extends LumenizeClient {
  readonly #open = new Map<string, DocumentCallbacks>();

  openDocument(documentId: string, callbacks: DocumentCallbacks): OpenDocument {
    this.#open.set(documentId, callbacks);
    this.#subscribe(documentId);
    return {
      saveContent: (content) => this.lmz.call('DOCUMENT_DO', documentId, this.ctn<DocumentDO>().update(content)),
      close: () => { this.#open.delete(documentId); },
    };
  }

  /** Nodes do not know this client yet, or not any more: it was away for longer than the grace period. */
  override onSubscriptionRequired(): void {
    for (const documentId of this.#open.keys()) this.#subscribe(documentId);
  }

  #subscribe(documentId: string): void {
    const remote = this.ctn<DocumentDO>().subscribe();
    this.lmz.call('DOCUMENT_DO', documentId, remote, this.ctn().handleSubscribeResult(documentId, remote)); // remote stands for its result
  }

  /** The reply to subscribe. Only this client runs it. */
  handleSubscribeResult(documentId: string, result: string | Error): void {
    if (result instanceof Error) console.error(`${documentId} cannot be opened:`, result);
    else this.#open.get(documentId)?.onContentUpdate?.(result);
  }

  /** The document tells every subscriber. */
  @mesh()
  handleContentUpdate(documentId: string, content: string): void {
    this.#open.get(documentId)?.onContentUpdate?.(content);
  }

  /** The spell checker tells who wrote. */
  @mesh()
  handleSpellFindings(documentId: string, findings: SpellFinding[]): void {
    this.#open.get(documentId)?.onSpellFindings?.(findings);
  }
}
