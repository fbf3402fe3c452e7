export {
  DIFFUSERS_MODES,
  DiffusersPeer,
  diffusersModules,
  type DiffusersCase,
  type DiffusersDescription,
  type DiffusersMode,
  type DiffusersModel,
  type DiffusersRun,
  type DiffusersTraining,
} from './diffusers-peer.ts';
export { madeUpNumbers } from './made-up-numbers.ts';
export { PythonPeerError, type PythonPeerErrorCode } from './errors.ts';
export { findPeerPython, findPython, PythonPeer, type FoundPython } from './python-peer.ts';
export { TorchUNet, type TorchDescription, type TorchTensors, type TorchTraining } from './torch-unet.ts';
