/** A bounded number of places for each address. */
export interface Places {
  /** False when the address has taken all of its places. */
  take(holder: string, address: string): boolean;
  giveBack(holder: string): void;
}

/** Counts who holds a place; a holder gives back the one place that it took, or none. */
export const createPlaces = (placesOfAddress: number): Places => {
  const addresses = new Map<string, string>();
  const taken = new Map<string, number>();
  return {
    take: (holder, address) => {
      const count = taken.get(address) ?? 0;
      if (count >= placesOfAddress) return false;
      taken.set(address, count + 1);
      addresses.set(holder, address);
      return true;
    },
    giveBack: (holder) => {
      const address = addresses.get(holder);
      if (address === undefined) return;
      addresses.delete(holder);
      const count = (taken.get(address) ?? 1) - 1;
      if (count === 0) taken.delete(address);
      else taken.set(address, count);
    },
  };
};
