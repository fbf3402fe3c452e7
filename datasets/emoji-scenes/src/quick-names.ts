/**
 * The `quick` tier: animals and foods that look different from each other at 32 px in outline or colour, none of them held out.
 * Few enough that a small model learns every word in minutes.
 */
export const quickNames: readonly string[] = [
  'cat', 'fox', 'lion', 'panda', 'koala', 'bear', 'cow', 'pig', 'elephant', 'giraffe', 'zebra', 'penguin', 'owl', 'flamingo',
  'frog', 'crocodile', 'whale', 'octopus', 'crab', 'fish', 'butterfly', 'honeybee', 'banana', 'lemon', 'watermelon', 'strawberry', 'pineapple',
  'pear', 'grapes', 'cherries', 'carrot', 'broccoli', 'avocado', 'eggplant', 'tomato', 'pizza', 'doughnut', 'egg', 'bread', 'pretzel',
];
