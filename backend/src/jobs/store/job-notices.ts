/** Tells those who follow a job in this process that it changed. */
export interface JobNotices {
  changed(jobId: string): void;
  on(jobId: string, listener: () => void): () => void;
}

export function createJobNotices(): JobNotices {
  const listeners = new Map<string, Set<() => void>>();
  return {
    changed: (jobId) => listeners.get(jobId)?.forEach((listener) => listener()),
    on(jobId, listener) {
      const mine = listeners.get(jobId) ?? new Set();
      listeners.set(jobId, mine.add(listener));
      return () => {
        mine.delete(listener);
        if (mine.size === 0) listeners.delete(jobId);
      };
    },
  };
}
