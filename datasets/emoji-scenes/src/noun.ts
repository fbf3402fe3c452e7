const plurals = new Set([
  'admission tickets', 'beans', 'blueberries', 'bookmark tabs', 'books', 'briefs', 'bubbles', 'cherries', 'clinking glasses', 'crossed swords',
  'film frames', 'french fries', 'glasses', 'gloves', 'goggles', 'grapes', 'hot springs', 'houses', 'Japanese dolls', 'jeans',
  'linked paperclips', 'maracas', 'musical notes', 'nesting dolls', 'pancakes', 'paw prints', 'peanuts', 'performing arts', 'scissors',
  'shopping bags', 'shorts', 'skis', 'socks', 'sparkles', 'sunglasses', 'woman’s clothes',
]);
// Mass nouns, names of games, and proper names: no article either.
const uncounted = new Set([
  'bacon', 'baguette bread', 'bowling', 'bread', 'broccoli', 'butter', 'canned food', 'cooked rice', 'coral', 'curry rice', 'dango', 'dna',
  'fire', 'flatbread', 'fondue', 'garlic', 'ginger root', 'ice', 'ice cream', 'ice hockey', 'luggage', 'mate', 'mount fuji', 'oden', 'ping pong',
  'popcorn', 'pouring liquid', 'sake', 'salt', 'shaved ice', 'soap', 'spaghetti', 'stuffed flatbread', 'sushi', 'tennis', 'Tokyo tower', 'wood',
  'yarn',
]);
// Spelt with a vowel, spoken with a consonant.
const consonantSounds = new Set(['ewe', 'euro banknote', 'one-piece swimsuit', 'unicorn']);

/** The article a name takes in a caption: none for plurals and mass nouns. */
export function article(name: string): 'a' | 'an' | null {
  if (plurals.has(name) || uncounted.has(name)) return null;
  return /^[aeiou]/i.test(name) && !consonantSounds.has(name) ? 'an' : 'a';
}
