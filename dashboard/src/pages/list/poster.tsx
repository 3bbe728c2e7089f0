const HUES = 6;

/** In place of a picture: nothing is loaded from elsewhere. The same title always looks the same. */
export function Poster({ title }: { readonly title: string }) {
  const words = title.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const initials = (words.length > 0 ? words : [title])
    .slice(0, 2)
    .map((word) => [...word][0]!.toLocaleUpperCase())
    .join('');
  const hue = [...title].reduce((sum, character) => sum + character.codePointAt(0)!, 0) % HUES;
  return (
    <div className={`poster poster-${hue}`} aria-hidden="true">
      {initials}
    </div>
  );
}
