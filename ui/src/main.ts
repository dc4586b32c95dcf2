// What every page loads: htmx for the list that answers while one types, and a word in place of a picture that is not
// there yet. Pages read and work without it.
import "htmx.org";

function hideIfBroken(image: EventTarget | null): void {
  if (image instanceof HTMLImageElement && image.complete && image.naturalWidth === 0) image.hidden = true;
}

// The first stills appear with the first seal, some seconds after a camera starts.
document.addEventListener("error", (event) => hideIfBroken(event.target), { capture: true });
for (const image of document.images) if (image.loading !== "lazy") hideIfBroken(image);
