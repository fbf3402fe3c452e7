import { fill50k } from '@controllab/fill50k';

const circles = fill50k({ size: 64 });
const { image, captions, condition, spec } = await circles.example(0);
console.log(captions.caption, image.width, condition('source').rgb.length, spec.radius < 0.5);
