import { describe, expect, it } from 'vitest';
import { tiffOf } from '../testing/archives.ts';
import { decodeImage, imageSize } from './decode.ts';

// What Pillow 13.0's convert('RGB') makes of these files: fixtures/make/pictures.py wrote them, and what it printed.

type Case = readonly [what: string, base64: string, size: readonly [number, number], hex: string];

const GIFS: readonly Case[] = [
  ['a transparent colour', 'R0lGODlhAgABAIEAAAAA/8hkMgAAAAAAACH5BAEAAAEALAAAAAACAAEAAAgFAAEECAgAOw==', [2, 1], '0000ffc86432'],
  [
    'a frame smaller than the picture',
    'R0lGODlhBgAFAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSwBAAEABAADAAADCGgWM4MyZHWYADs=',
    [6, 5],
    '000b16000b16000b16000b16000b16000b16000b16dee9f4dee9f425303b6f7a85000b16000b166f7a856f7a854a55606f7a85000b16000b16949faadee9f4b9c4cf030e19000b16000b16000b16000b16000b16000b16000b16',
  ],
  [
    'such a frame with a transparent colour',
    'R0lGODlhBgAFAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSH5BAEAAAIALAEAAQAEAAMAAAMIaBYzgzJkdZgAOw==',
    [6, 5],
    '4a55604a55604a55604a55604a55604a55604a5560dee9f4dee9f425303b6f7a854a55604a55606f7a856f7a854a55606f7a854a55604a5560949faadee9f4b9c4cf030e194a55604a55604a55604a55604a55604a55604a5560',
  ],
  [
    'such a frame with a palette of its own',
    'R0lGODlhBgAFAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSwBAAEABAADAIIHDBFiZ2y9wscYHSJzeH3O09gpLjOEiY4DCGgWM4MyZHWYADs=',
    [6, 5],
    '070c11070c11070c11070c11070c11070c11070c11292e33292e3362676c181d22070c11070c11181d22181d22bdc2c7181d22070c11070c1173787d292e33ced3d884898e070c11070c11070c11070c11070c11070c11070c11',
  ],
  [
    'such a frame with both',
    'R0lGODlhBgAFAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSH5BAEAAAIALAEAAQAEAAMAggcMEWJnbL3CxxgdInN4fc7T2CkuM4SJjgMIaBYzgzJkdZgAOw==',
    [6, 5],
    'bdc2c7bdc2c7bdc2c7bdc2c7bdc2c7bdc2c7bdc2c7292e33292e3362676c181d22bdc2c7bdc2c7181d22181d22bdc2c7181d22bdc2c7bdc2c773787d292e33ced3d884898ebdc2c7bdc2c7bdc2c7bdc2c7bdc2c7bdc2c7bdc2c7',
  ],
  [
    'no common palette',
    'R0lGODlhBAADAAAAACwAAAAABAADAIIHDBFiZ2y9wscYHSJzeH3O09gpLjOEiY4DCGgWM4MyZHWYADs=',
    [4, 3],
    '292e33292e3362676c181d22181d22181d22bdc2c7181d2273787d292e33ced3d884898e',
  ],
  [
    'a frame beyond the edge',
    'R0lGODlhAwACAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSwBAAEABAADAAADCGgWM4MyZHWYADs=',
    [5, 4],
    '000b16000b16000b16000b16000b16000b16dee9f4dee9f425303b6f7a85000b166f7a856f7a854a55606f7a85000b16949faadee9f4b9c4cf030e19',
  ],
  [
    'interlaced rows',
    'R0lGODlhAwAJAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSwAAAAAAwAJAEADEUhxUocQNjVIMzSGdlQGWCAJADs=',
    [3, 9],
    '949faa25303b030e19949faa6f7a85dee9f46f7a85b9c4cf6f7a85dee9f4030e19949faa000b1625303bdee9f4b9c4cfdee9f4000b16949faa6f7a856f7a85b9c4cf000b164a55604a5560b9c4cf030e19',
  ],
  [
    'no palette',
    'R0lGODlhBAADAAAAACwAAAAABAADAAADCGgWM4MyZHWYADs=',
    [4, 3],
    '060606060606010101030303030303030303020202030303040404060606050505070707',
  ],
  [
    'a palette of greys in order',
    'R0lGODlhBAADAIIFAAAAAAEBAQICAgMDAwQEBAUFBQYGBgcHBywAAAAABAADAAADCGgWM4MyZHWYADs=',
    [4, 3],
    '060606060606010101030303030303030303020202030303040404060606050505070707',
  ],
  [
    'a frame with such a palette',
    'R0lGODlhBAADAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSwAAAAABAADAIIAAAABAQECAgIDAwMEBAQFBQUGBgYHBwcDCGgWM4MyZHWYADs=',
    [4, 3],
    'dee9f4dee9f425303b6f7a856f7a856f7a854a55606f7a85949faadee9f4b9c4cf030e19',
  ],
  [
    'places beyond the palette',
    'R0lGODlhBgADAIAFAAALFiUwOyH5BAEAAAcALAAAAAAEAAMAAAMIaBYzgzJkdZgAOw==',
    [6, 3],
    '00000000000025303b000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
  ],
  [
    'disposal to the background',
    'R0lGODlhBgAFAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSH5BAgAAAAALAEAAQAEAAMAAAMIaBYzgzJkdZgAOw==',
    [6, 5],
    '000b16000b16000b16000b16000b16000b16000b16dee9f4dee9f425303b6f7a85000b16000b166f7a856f7a854a55606f7a85000b16000b16949faadee9f4b9c4cf030e19000b16000b16000b16000b16000b16000b16000b16',
  ],
  [
    'disposal to what was before',
    'R0lGODlhBgAFAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSH5BA0AAAEALAEAAQAEAAMAAAMIaBYzgzJkdZgAOw==',
    [6, 5],
    '25303b25303b25303b25303b25303b25303b25303bdee9f4dee9f425303b6f7a8525303b25303b6f7a856f7a854a55606f7a8525303b25303b949faadee9f4b9c4cf030e1925303b25303b25303b25303b25303b25303b25303b',
  ],
  [
    'two descriptions of one frame',
    'R0lGODlhBgAFAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSH5BAEAAAEAIfkEAAAAAAAsAQABAAQAAwAAAwhoFjODMmR1mAA7',
    [6, 5],
    '25303b25303b25303b25303b25303b25303b25303bdee9f4dee9f425303b6f7a8525303b25303b6f7a856f7a854a55606f7a8525303b25303b949faadee9f4b9c4cf030e1925303b25303b25303b25303b25303b25303b25303b',
  ],
  [
    'zeros between blocks',
    'R0lGODlhBAADAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGQAALAAAAAAEAAMAAAMIaBYzgzJkdZgAOw==',
    [4, 3],
    'dee9f4dee9f425303b6f7a856f7a856f7a854a55606f7a85949faadee9f4b9c4cf030e19',
  ],
  [
    'more pixels than it has room for',
    'R0lGODlhBAADAIIFAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSwAAAAABAADAAADD2gWM4MyZHVoFjODMmR1mAA7',
    [4, 3],
    'dee9f4dee9f425303b6f7a856f7a856f7a854a55606f7a85949faadee9f4b9c4cf030e19',
  ],
];

const BMPS: readonly Case[] = [
  [
    '1 bit',
    'Qk1SAAAAAAAAAD4AAAAoAAAABwAAAAUAAAABAAEAAAAAABQAAAAAAAAAAAAAAAAAAAAAAAAAAAUJACVgFgDGfoFrS/vi+1T2vd98HOGHAb8x3g==',
    [7, 5],
    '090500090500090500090500090500090500090500090500166025166025166025166025166025090500090500166025090500166025090500166025090500090500166025090500090500166025090500166025166025166025090500090500090500166025166025',
  ],
  [
    '4 bits',
    'Qk2KAAAAAAAAAHYAAAAoAAAABwAAAAUAAAABAAQAAAAAABQAAAAAAAAAAAAAAAAAAAAAAAAAAAUJACVgFgBKuyMAbxYwAJRxPQC5zEoA3idXAAOCZAAo3XEATTh+AHKTiwCX7pgAvEmlAOGksgAG/78AK1rMABlm+38vkIKVQktFeZ0XZ+W1k4CB',
    [7, 5],
    '98ee974accb97e384d30166f71dd2809050071dd287e384db2a4e11660256482035727de648203bfff063d719423bb4a3d719498ee973d71944accb964820323bb4acc5a2b7e384d09050071dd2823bb4a7e384d1660257e384d5727de5727decc5a2b98ee97648203',
  ],
  [
    '8 bits, a short palette',
    'Qk1yAAAAAAAAAEoAAAAoAAAABwAAAAUAAAABAAgAAAAAACgAAAAAAAAAAAAAAAUAAAAAAAAAAAUJACVgFgBKuyMAbxYwAJRxPQAAAAIDAAECAgMEAAABAQEDAAMCAAEEAAQDAAEDAAMBAQIEAQMEAwAE',
    [7, 5],
    '23bb4a3d719416602530166f3d719430166f09050030166f09050016602530166f09050030166f16602509050030166f23bb4a0905001660253d719409050030166f3d719409050009050016602516602516602509050009050023bb4a30166f09050016602523bb4a',
  ],
  [
    "OS/2's header",
    'Qk1eAAAAAAAAAEoAAAAMAAAABwAFAAEABAAABQklYBZKuyNvFjCUcT25zEreJ1cDgmQo3XFNOH5yk4uX7pi8SaXhpLIG/78rWswZZvt/L5CClUJLRXmdF2fltZOAgQ==',
    [7, 5],
    '98ee974accb97e384d30166f71dd2809050071dd287e384db2a4e11660256482035727de648203bfff063d719423bb4a3d719498ee973d71944accb964820323bb4acc5a2b7e384d09050071dd2823bb4a7e384d1660257e384d5727de5727decc5a2b98ee97648203',
  ],
  [
    '16 bits',
    'Qk2GAAAAAAAAADYAAAAoAAAABwAAAAUAAAABABAAAAAAAFAAAAAAAAAAAAAAAAAAAAAAAAAAZQXfzb/kAvv7oGXfIgKAW4Thugx1LII1x7YwbgvEmgyGWHZP9TxzTgHNFqOAjVXWcmb0ira/o2qPQdTR22ZePA3G03DvIKJqGSvrCzAbJYA=',
    [7, 5],
    '8b836ae6319c41397bd5ac1052c5cd10ff5a31cd83cd9c9410bda47beeb4d5ac1883627ba473a4cdb4deb420319cdeb47b39ac9c9c9c9c410841c5b4186200c562201829d55a18ac6a62106ab439de8b838b005a085a299c73ffcd29fff6c5104139debdde29008b10',
  ],
  [
    '16 bits by masks',
    'Qk2SAAAAAAAAAEIAAAAoAAAABwAAAAUAAAABABAAAwAAAFAAAAAAAAAAAAAAAAAAAAAAAAAAAPgAAOAHAAAfAAAAZQXfzb/kAvv7oGXfIgKAW4Thugx1LII1x7YwbgvEmgyGWHZP9TxzTgHNFqOAjVXWcmb0ira/o2qPQdTR22ZePA3G03DvIKJqGSvrCzAbJYA=',
    [7, 5],
    'c5c26a73189c201c7b6a55102961cd087d5a18658362ce948b5da4bdf6b46a551841307bd538a462dade5a10314aeeb4399dac4ace9ccda108a461b48bb200e630200895d5298dac31b210b4da396ac683c5815a00ae29cdbaffe695ffff6110a41cdedeee29004410',
  ],
  [
    '24 bits',
    'Qk2uAAAAAAAAADYAAAAoAAAABwAAAAUAAAABABgAAAAAAHgAAAAAAAAAAAAAAAAAAAAAAAAAlxrNAcnHrerMgyV5JvSQ/w4V4BOnwjf5+gNGz7YYZn2nSHha9mp9nyYw9IzKN/dcBs8U6c2K7B/Uho4iWHqRP5WD85QBrLV+TT8yxRnOQ4l5ABTsLB3FfZZXwGeD3t1emqI3RaPmzJ94ide8zRPtn5+C2bJ90zgp',
    [7, 5],
    '37a29ae6a345789fccbcd789ed13cd829f9f7db2d9323f4dce19c5798943ec1400c51d2c57967d8367c014cf068acde9d41fec228e86917a5883953f0194f34603fa18b6cfa77d665a78487d6af630269fca8cf4cd1a97c7c901cceaad79258390f426150effa713e0',
  ],
  [
    'rows from the top',
    'Qk2uAAAAAAAAADYAAAAoAAAABwAAAPv///8BABgAAAAAAHgAAAAAAAAAAAAAAAAAAAAAAAAAlxrNAcnHrerMgyV5JvSQ/w4V4BOnwjf5+gNGz7YYZn2nSHha9mp9nyYw9IzKN/dcBs8U6c2K7B/Uho4iWHqRP5WD85QBrLV+TT8yxRnOQ4l5ABTsLB3FfZZXwGeD3t1emqI3RaPmzJ94ide8zRPtn5+C2bJ90zgp',
    [7, 5],
    'cd1a97c7c901cceaad79258390f426150effa713e04603fa18b6cfa77d665a78487d6af630269fca8cf414cf068acde9d41fec228e86917a5883953f0194f3323f4dce19c5798943ec1400c51d2c57967d8367c037a29ae6a345789fccbcd789ed13cd829f9f7db2d9',
  ],
  [
    '32 bits',
    'Qk3CAAAAAAAAADYAAAAoAAAABwAAAAUAAAABACAAAAAAAIwAAAAAAAAAAAAAAAAAAAAAAAAAyS+7NNOqV9mcZuQSKuaho5lJBxraWOy8Lk9cMGFsMu7HOXpl+JiH70qT03UT4Znimzc0SONUNdUZy0d01o/EQh1AE7cUOMiRgFR5fwKCYZMTD7dlwa7MBiZH56uthuAWBB5/w+Dhkth0gdDKryNwzjipiQYqvChoj5wzbp6nAIC1q7UhFOte21/zz+s=',
    [7, 5],
    '89a93828bc2a339c8f00a79eb5abb55eeb14cff35fccaec1e74726e086ad7f1e0492e1e0d081747023af47cb19c48fd613401dc83814795480618202b70f13326c617a39c78798f8d3934a99e11334379b3554e3bb2fc957aad3e4669ca1e62a074999ec58da5c4f2e',
  ],
  [
    '32 bits with alpha',
    'Qk0WAQAAAAAAAIoAAAB8AAAABwAAAAUAAAABACAAAwAAAIwAAAAAAAAAAAAAAAAAAAAAAAAAAAD/AAD/AAD/AAAAAAAA/wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAyS+7NNOqV9mcZuQSKuaho5lJBxraWOy8Lk9cMGFsMu7HOXpl+JiH70qT03UT4Znimzc0SONUNdUZy0d01o/EQh1AE7cUOMiRgFR5fwKCYZMTD7dlwa7MBiZH56uthuAWBB5/w+Dhkth0gdDKryNwzjipiQYqvChoj5wzbp6nAIC1q7UhFOte21/zz+s=',
    [7, 5],
    '89a93828bc2a339c8f00a79eb5abb55eeb14cff35fccaec1e74726e086ad7f1e0492e1e0d081747023af47cb19c48fd613401dc83814795480618202b70f13326c617a39c78798f8d3934a99e11334379b3554e3bb2fc957aad3e4669ca1e62a074999ec58da5c4f2e',
  ],
  [
    '32 bits by masks',
    'Qk3SAAAAAAAAAEYAAAA4AAAABwAAAAUAAAABACAAAwAAAIwAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/wAA/wAA/wAA/wAAAMkvuzTTqlfZnGbkEirmoaOZSQca2ljsvC5PXDBhbDLuxzl6ZfiYh+9Kk9N1E+GZ4ps3NEjjVDXVGctHdNaPxEIdQBO3FDjIkYBUeX8CgmGTEw+3ZcGuzAYmR+errYbgFgQef8Pg4ZLYdIHQyq8jcM44qYkGKrwoaI+cM26epwCAtau1IRTrXttf88/r',
    [7, 5],
    '0689a96828bc6e339c8000a721b5abdb5eebebcff306ccaeabe74716e086c37f1ed892e1cad081ce70237447cb42c48fb7134091c8387f795493618265b70fee326c657a39ef879875d393e299e1483437d5355434bb2fd957aa12e466a3a1e61a0749bcec58305c4f',
  ],
  [
    'runs of 4 bits',
    'Qk2SAAAAAAAAAHYAAAAoAAAABwAAAAUAAAABAAQAAgAAABwAAAAAAAAAAAAAAAAAAAAAAAAAAAUJACVgFgBKuyMAbxYwAJRxPQC5zEoA3idXAAOCZAAo3XEATTh+AHKTiwCX7pgAvEmlAOGksgAG/78AK1rMAAMSAARWeAAAB5oAAAc8AAAAAxIwBEUAAAdwAAE=',
    [7, 5],
    '64820309050064820309050064820309050064820316602523bb4a30166f3d71944accb93d71944accb930166fa549bc30166fa549bc30166fa549bc30166f7e384d8b93727e384d8b93727e384d8b93727e384d16602523bb4a1660254accb95727de64820371dd28',
  ],
  [
    'runs of 8 bits',
    'Qk2EAAAAAAAAAF4AAAAoAAAABwAAAAYAAAABAAgAAQAAACYAAAAAAAAAAAAAAAoAAAAAAAAAAAUJACVgFgBKuyMAbxYwAJRxPQC5zEoA3idXAAOCZAAo3XEATTh+AAMBAAQFBgcIAAAHCQAAAgMAAgEBBAIAAAADAQIDAAQEAAAHBwAB',
    [7, 6],
    '64820364820364820364820364820364820364820316602523bb4a30166f3d71943d71943d71943d719409050009050009050023bb4a23bb4a23bb4a23bb4a30166f30166f0905000905000905000905000905007e384d7e384d7e384d7e384d7e384d7e384d7e384d1660251660251660254accb95727de64820371dd28',
  ],
  [
    'white before black',
    'Qk1SAAAAAAAAAD4AAAAoAAAABwAAAAUAAAABAAEAAAAAABQAAAAAAAAAAAAAAAAAAAAAAAAA////AAAAAADGfoFrS/vi+1T2vd98HOGHAb8x3g==',
    [7, 5],
    'ffffffffffffffffffffffffffffffffffffffffffffffff000000000000000000000000000000ffffffffffff000000ffffff000000ffffff000000ffffffffffff000000ffffffffffff000000ffffff000000000000000000ffffffffffffffffff000000000000',
  ],
  [
    'no padding of the last row',
    'Qk2uAAAAAAAAADYAAAAoAAAABwAAAAUAAAABABgAAAAAAHgAAAAAAAAAAAAAAAAAAAAAAAAAlxrNAcnHrerMgyV5JvSQ/w4V4BOnwjf5+gNGz7YYZn2nSHha9mp9nyYw9IzKN/dcBs8U6c2K7B/Uho4iWHqRP5WD85QBrLV+TT8yxRnOQ4l5ABTsLB3FfZZXwGeD3t1emqI3RaPmzJ94ide8zRPtn5+C2bJ9',
    [7, 5],
    '37a29ae6a345789fccbcd789ed13cd829f9f7db2d9323f4dce19c5798943ec1400c51d2c57967d8367c014cf068acde9d41fec228e86917a5883953f0194f34603fa18b6cfa77d665a78487d6af630269fca8cf4cd1a97c7c901cceaad79258390f426150effa713e0',
  ],
];

const PNGS: readonly Case[] = [
  [
    'bits',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAQAAAABzTfhVAAAADklEQVR4nGN4wJDBsAMABlYCAWlI8DgAAAAASUVORK5CYII=',
    [5, 3],
    'ffffffffffffffffff000000000000000000ffffffffffff000000ffffffffffff000000ffffffffffffffffff',
  ],
  [
    'greys of 2 bits, one of them transparent',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAgAAAAA07YKFAAAAAnRSTlMAApidrBQAAAARSURBVHicY8g/wKB2gCH8AAAN7QMt+0p/DAAAAABJRU5ErkJggg==',
    [5, 3],
    '555555aaaaaaffffffffffffffffff000000aaaaaa555555aaaaaaffffff555555555555555555ffffffffffff',
  ],
  [
    'greys of 4 bits',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADBAAAAAC7rXclAAAAFElEQVR4nGP42SrAcMKmgeHO1QkAHq8FVDBiUroAAAAASUVORK5CYII=',
    [5, 3],
    'ffffff999999888888555555111111cccccc888888333333cccccc888888ddddddccccccdddddd555555999999',
  ],
  [
    'greys with an alpha',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAQAAADxPw1zAAAAKklEQVR4nGNYtvpbT5Hn20DzFoav9+NEss/dUOB0Zti24YFj+zXRraVzABDGEAqz7q7mAAAAAElFTkSuQmCC',
    [5, 3],
    'a6a6a6f6f6f6727272ededed373737f5f5f55e5e5e6b6b6bd8d8d8090909b6b6b6e0e0e0878787151515757575',
  ],
  [
    '16-bit greys with an alpha',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADEAQAAAChr9EwAAAASElEQVR4nGPwyVHz0yqJmFQvzKtaq1SjJ2+otZBB+2yycPG+VCGmt4xO5pkxaV7nZFUYGP54KAtfL77l1mupUD3dPTE9y5oNAGoNFHadNBG0AAAAAElFTkSuQmCC',
    [5, 3],
    '4c4c4c2a2a2a7f7f7f7d7d7d1f1f1f2b2b2b7373730202023737374a4a4a0000001313134646467b7b7b676767',
  ],
  [
    'a palette of 2 bits',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAgMAAAAmWC1rAAAADFBMVEUACxYlMDtKVWBveoW1KNA4AAAAEUlEQVR4nGPoZGAodmDIOQAACSgCaSWZl30AAAAASUVORK5CYII=',
    [5, 3],
    '4a5560000b164a556025303b000b1625303b6f7a85000b166f7a8525303b25303b4a55606f7a85000b166f7a85',
  ],
  [
    'a palette with transparency',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAMAAABs6DXKAAAAGFBMVEUACxYlMDtKVWBveoWUn6q5xM/e6fQDDhl/vjxOAAAABHRSTlP/AIAHyHFtgwAAABpJREFUeJxjYGBmZ2djYGNlYmVkYGVkZ2MEAAJPAD9V3RuNAAAAAElFTkSuQmCC',
    [5, 3],
    '000b166f7a85030e19030e19dee9f4dee9f4b9c4cf4a5560b9c4cf25303bb9c4cf25303b030e19dee9f425303b',
  ],
  [
    'RGB, one colour of which is transparent',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAIAAADUVFKvAAAABnRSTlMAAAABAABvZG2mAAAAHklEQVR4nGNgZABBBgjJyAhhMIIBAwNYHCwMlgQCAAJIABlHDEI3AAAAAElFTkSuQmCC',
    [5, 3],
    '010001000100000001000100000101000100010001010101010100000000010000000101000100000101010101',
  ],
  [
    '16-bit RGB',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADEAIAAACExI7sAAAAaElEQVR4nAFdAKL/AFOFMNgsaxCsLZhclmn3O6ZfGWcSFy0D3ylACQsw9QB/FUWuDYBl4RinZhUV7muxJjsCp2ZGIaIqEiNAdLAAC3tfJg9SOQJxVWsJEJR3/zAtUXw0agZQBysF0jgT3KEeQYjxsL0AAAAASUVORK5CYII=',
    [5, 3],
    '53302c102d5c693b5f6717032909307f450d651866156b260266212a23740b5f0f39716b107730513406070538',
  ],
  [
    '16-bit RGB with an alpha',
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADEAYAAAALphm7AAAAhklEQVR4nAF7AIT/ABVLc3ss6X6zGTkwcwUtC4RvE1YucgVMEzahEglcd16JKT95xwymN4gAf1sJYWGoctQxrTGQKyUCvhI1QxsAtGpUePZC4DL1bkoAdHKlMm5opgAN7hqcCCcrLyFcX7g8BByTKScyskTlfFtVqyPaXn95jyhtJ55g+AgoCTIroi4NBzUAAAAASUVORK5CYII=',
    [5, 3],
    '15732c1930056f567236125c29790c7f096131312b1243007842320072320d1a08215f3c29324455235e282760',
  ],
];

const OTHERS: readonly Case[] = [
  [
    'a JPEG of four inks',
    '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgAAwAFBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD1f4VeC9F+L+s6hq3jOyHiK/fQtBuvNvZHYJJcWXnzFFztQNJIzYUADgAAAAe9ePvhV4Z0e1037PZXDo2EEN1f3FxEmLa2YsiSSMqMxdi7qAznBcsQMeofC34deH0k8T2v2Fns9K1CHSLC1kuJXhtbWGxtfLSOMsVU5d2ZgNzsxZyx5ryL9pX4k698Of2ifHGleHZrPTrAHTplhGm20mwyabazOql4yVTzJZXCAhQZHIA3HP8A/9k=',
    [5, 3],
    '754c03552e33665f630a1910263742cb2f0d5077990f08021e06105b5b63299686d9d99500000012292321191c',
  ],
  [
    'a JPEG of greys',
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/wAALCAADAAUBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APofwPoejeMvjv8AEa01zw9oWq21jpOhzW0V3pFq6xSTi8eZxmP7zsASep2qOigD/9k=',
    [5, 3],
    'c7c7c77c7c7c8080806c6c6c4b4b4bfdfdfde1e1e1fbfbfb535353f8f8f8b7b7b7e5e5e57777771d1d1ddedede',
  ],
  [
    'a JPEG of coarse colours',
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAADAAUDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwCeCKOd2WWNHCDA3KCfvMOv4CiiitL22PKq1Jxm0mz/2Q==',
    [5, 3],
    '9b7987ac929d978b955d62681d3036756a728f8d92bac8cb98b6b692bebd6084804b787182bfb73a887b69cab9',
  ],
  [
    'a progressive JPEG of RGB as such',
    '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUVFQwPFxgWFBgSFBUU/8IAEQgAAwAFA1IRAEcRAEIRAP/EABQAAQAAAAAAAAAAAAAAAAAAAAb/2gAMA1IARwBCAAAAAR7dj//EABYQAQEBAAAAAAAAAAAAAAAAAAMEAf/aAAgBUgABBQKp9Kv/xAAWEAEBAQAAAAAAAAAAAAAAAAAFAgT/2gAIAUcAAQUCKMyL3//EABcQAAMBAAAAAAAAAAAAAAAAAAIDBAX/2gAIAUIAAQUCw5xdL//EABsQAAMAAgMAAAAAAAAAAAAAAAECAwAxIkFR/9oACAFSAAY/AqAJLbDlJTqjqOvAM//EAB0QAAEEAgMAAAAAAAAAAAAAAAMBAgQxABEiMjP/2gAIAUcABj8CIObHHJaBvBSN270Il2vVLz//xAAcEAADAAIDAQAAAAAAAAAAAAABAgMRIQAkMZH/2gAIAUIABj8CNSXWhEQWm5TPXkd492x+8//EABoQAAICAwAAAAAAAAAAAAAAAAERADEhQYH/2gAIAVIAAT8hIKBHAi4Fpcdz/8QAGRABAAIDAAAAAAAAAAAAAAAAARExAFFh/9oACAFHAAE/IYyuyAl06lprrn//xAAZEAABBQAAAAAAAAAAAAAAAAABACExQVH/2gAIAUIAAT8hLIwjDbRIvpf/2gAMA1IARwBCAAAAEP8A/8QAFxABAQEBAAAAAAAAAAAAAAAAAREhMf/aAAgBUgABPxAPTOlsxkmV1pUr/8QAFhABAQEAAAAAAAAAAAAAAAAAAREx/9oACAFHAAE/ECyEqlu5VNUVOo//xAAYEAEAAwEAAAAAAAAAAAAAAAABABEhMf/aAAgBQgABPxDvYGfSrYCbJhmT/9k=',
    [5, 3],
    '4fc57b7d90b84cb4442f68443e20e876204fb4a1de52fe7976fc93b39655a9b12e1954fe98d0222649ed4fe4c4',
  ],
  [
    'a WebP with an alpha',
    'UklGRoIAAABXRUJQVlA4WAoAAAAQAAAABAAAAgAAQUxQSBAAAAAAf5V55YEQXeM/VkYO/NrXVlA4IEwAAACwAQCdASoFAAMAAkA4JbACdAD0gbJgAP7Q/MP6zjmt2k2UsOyX0K1pZCgEsXr3FUX+D/kqk0eHr/WUf/P+3sBe9AcLIY/Vof5N2ZAA',
    [5, 3],
    '307b8d56849d4d40665a3b53a297868baabf48516cd1afd8ffd9f47a7667864b66450526984f7c602d4c434940',
  ],
  [
    'a WebP with an alpha, without losses',
    'UklGRpoAAABXRUJQVlA4TI4AAAAvBIAAEHegJpKtpvyBTJ9rhKAKockDBr4PNZGkSDEowAQmsIACXFAIJX8vPweqGoCUTAafUughoxb+ZLGX4T43NbW1ZAFYacFIAHr8YwzTuFrH424N1/hZZSscsX4n6kcQ6FxG9M/27TQ/9jN6QL5GmSZhkkBcmxMKGklqvndFLwB/uMMAniL6H+/Mpf7r',
    [5, 3],
    '1966fb2f9082424b459d1767b5938029caf37a430f8ac7e8d6f0f3737664ca3948130e61924ac5940f3528593e',
  ],
];

const TIFF_ORIENTATION = 274;

describe('decodeImage gives what Pillow does of', () => {
  it.each([
    ...GIFS.map(([what, ...rest]) => [`a GIF with ${what}`, ...rest] as const),
    ...BMPS.map(([what, ...rest]) => [`a BMP with ${what}`, ...rest] as const),
    ...PNGS.map(([what, ...rest]) => [`a PNG of ${what}`, ...rest] as const),
    ...OTHERS,
  ])('%s', async (_, base64, [width, height], hex) => {
    const bytes = Buffer.from(base64, 'base64');
    const image = await decodeImage(bytes, 'x');
    expect([image.width, image.height, Buffer.from(image.rgb).toString('hex')]).toEqual([width, height, hex]);
    expect(await imageSize(bytes, 'x')).toEqual({ width, height });
  });

  it.each([
    ['bits in a text', 'P1\n# c\n3 2\n101\n0 1 0\n', 3, [0, 255, 0, 255, 0, 255]],
    ['greys of another range in a text', 'P2 3 2 # x\n10\n0 5 10\n3 4 7\n', 3, [0, 128, 255, 76, 102, 178]],
    ['bits', 'P4\n10 2\n\xaa\x80\x55\x40', 10, [0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0]],
    ['greys', 'P5\n#a\n#b\n3 #c\n2\n255\n\0\x01\x02\x03\x04\x05', 3, [0, 1, 2, 3, 4, 5]],
    ['greys of another range, and beyond it', 'P5\n3 1\n100\n\0\x01\xff', 3, [0, 3, 255]],
    // Pillow turns these white, as 16-bit grey of any format.
    ['16-bit greys', 'P5\n2 1\n65535\n\x12\x34\xab\xcd', 2, [0x12, 0xab]],
  ])('a portable map of %s', async (_, text, width, greys) => {
    const { rgb, ...image } = await decodeImage(Buffer.from(text, 'latin1'), 'x');
    expect(image).toMatchObject({ width, height: greys.length / width });
    expect([...rgb]).toEqual(greys.flatMap((grey) => [grey, grey, grey]));
  });

  it.each([
    ['colours in a text', 'P3\n2 1\n255\n1 2 3 4 5 6\n', [1, 2, 3, 4, 5, 6]],
    ['colours of another range in a text', 'P3 2 1 1023\n1 2 3 1023 511 512\n', [0, 0, 1, 255, 127, 128]],
    ['colours', 'P6 2 1 31\n\x01\x02\x03\x04\x05\x1f', [8, 16, 25, 33, 41, 255]],
    ['16-bit colours', 'P6 2 1 1000\n\0\0\0\x01\x01\xf4\x03\xe7\x03\xe8\0\x03', [0, 0, 128, 255, 255, 1]],
  ])('a portable map of %s', async (_, text, rgb) => {
    expect([...(await decodeImage(Buffer.from(text, 'latin1'), 'x')).rgb]).toEqual(rgb);
  });

  it.each([
    // The stored picture is 1 2 / 3 4 / 5 6; what is shown, by TIFF's definition of each orientation.
    [1, 2, [1, 2, 3, 4, 5, 6]],
    [2, 2, [2, 1, 4, 3, 6, 5]],
    [3, 2, [6, 5, 4, 3, 2, 1]],
    [4, 2, [5, 6, 3, 4, 1, 2]],
    [5, 3, [1, 3, 5, 2, 4, 6]],
    [6, 3, [5, 3, 1, 6, 4, 2]],
    [7, 3, [6, 4, 2, 5, 3, 1]],
    [8, 3, [2, 4, 6, 1, 3, 5]],
  ])('a TIFF of orientation %i, which it turns', async (orientation, width, greys) => {
    const bytes = tiffOf(2, 3, Uint8Array.of(1, 2, 3, 4, 5, 6), { photometric: 1, more: [[TIFF_ORIENTATION, orientation]] });
    const image = await decodeImage(bytes, 'x');
    expect(image).toEqual({ width, height: 6 / width, rgb: image.rgb, conversions: ['grey'] });
    expect([...image.rgb].filter((__, i) => i % 3 === 0)).toEqual(greys);
    expect(await imageSize(bytes, 'x')).toEqual({ width, height: 6 / width });
    expect(await decodeImage(bytes, 'x', { turned: true })).toEqual(image);
  });

  it('a TIFF of four inks and an alpha', async () => {
    // Pillow: 255 - K - C (255 - K) / 255, whatever the alpha.
    const bytes = tiffOf(1, 1, Uint8Array.of(127, 181, 81, 110, 7), { photometric: 5, alpha: true });
    expect([...(await decodeImage(bytes, 'x')).rgb]).toEqual([73, 42, 99]);
  });
});

describe('decodeImage refuses', () => {
  const gif = Buffer.from(GIFS[1]![1], 'base64');
  const bmp = Buffer.from(BMPS[1]![1], 'base64');
  const runs = Buffer.from(BMPS.find(([what]) => what === 'runs of 8 bits')![1], 'base64');
  const changed = (bytes: Buffer, at: number, value: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at] = value;
    return copy;
  };
  it.each([
    ['a GIF that is cut short', gif.subarray(0, -5), /cannot be decoded .*: it /],
    [
      'a GIF with fewer pixels than it says',
      Buffer.from('R0lGODlhBAADAIIAAAALFiUwO0pVYG96hZSfqrnEz97p9AMOGSwAAAAABAADAAADBThkB4GWADs=', 'base64'),
      /it has 7 of 12 pixels/,
    ],
    ['a GIF with a code before it is known', Buffer.from('R0lGODlhAgABAAAAACwAAAAAAgABAAACATQAOw==', 'base64'), /code 6 is not known yet/],
    ['a GIF without a frame', Buffer.concat([gif.subarray(0, 37), Buffer.from(';')]), /it holds no frame/],
    ['a BMP that is cut short', bmp.subarray(0, -20), /it ends at byte/],
    ['a BMP of a packing that is not read', changed(bmp, 30, 4), /4 bits of compression 4 are not read/],
    ['a BMP whose runs end early', Buffer.concat([runs.subarray(0, 94 + 10), Buffer.of(0, 1)]), /it ends in row 1 of 6/],
    ['a BMP whose pixels lie before it', changed(bmp, 13, 0x80), /byte -\d+ of \d+ is not there/],
    ['a BMP without pixels', changed(bmp, 18, 0), /it is 0 x 5 pixels/],
    ['a map that is cut short', Buffer.from('P5\n3 2\n255\nabc'), /it ends at byte 14/],
    ['a text that is cut short', Buffer.from('P2\n3 2\n255\n1 2 3\n'), /it ends at byte 17/],
    ['a text that may be cut short', Buffer.from('P2\n3 1\n255\n1 2 3'), /cut short within its last number; a line break ends/],
    ['a map with letters', Buffer.from('P2 1 1 255 x'), /a number is expected/],
    [
      'a pointer of git-lfs',
      Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      /it is a pointer of git-lfs: fetch the file with git lfs pull/,
    ],
    ['a page of HTML', Buffer.from('<!DOCTYPE html><html>404'), /it is a page of HTML, as a failed download leaves/],
  ])('%s', async (_, bytes, message) => {
    await expect(decodeImage(bytes, 'set: x')).rejects.toMatchObject({
      code: 'invalid-image',
      message: expect.stringMatching(message) as string,
    });
  });

  it.each([
    ['a GIF', Buffer.from('R0lGODlhoIagUAAAACwAAAAA////fwAAAgJMAQA7', 'base64')],
    ['a BMP', changed(changed(bmp, 20, 2), 24, 2)],
    ['a map', Buffer.from('P5 100000 100000 255\n')],
    ['a map of one row', Buffer.from('P5 1048577 1 255\n')],
  ])('%s that claims to be huge, before anything of that size is made', async (_, bytes) => {
    await expect(decodeImage(bytes, 'x')).rejects.toMatchObject({ code: 'image-too-large' });
  });

  it.each([
    [6, 1, 'x is a TIFF of YCbCr samples that are not packed as JPEG; save it as RGB'],
    [8, 1, 'x is a TIFF of CIELab samples, which have no agreed way to 8-bit RGB; save it as RGB'],
    [2, 50000, 'x is a TIFF packed by Zstandard, which is not read; save it with LZW or deflate'],
    [2, 34925, 'x is a TIFF packed by LZMA, which is not read; save it with LZW or deflate'],
    [2, 32809, 'x is a TIFF packed by method 32809, which is not read; save it with LZW or deflate'],
  ] as const)('a TIFF of photometric %i and compression %i', async (photometric, compression, message) => {
    const bytes = tiffOf(1, 1, Uint8Array.of(90, 100, 110), { photometric, compression });
    await expect(decodeImage(bytes, 'x')).rejects.toMatchObject({ code: 'unsupported-image', message });
  });
});
