// nx hands an executor what its own parser made of the command line: `--prompt -cat` has become the configuration "at". So what was typed
// goes along beside it.
module.exports = {
  name: 'controllab-nx',
  // nx carries what this sets over to the tasks.
  preTasksExecution: (_, { argv }) => void (process.env.CONTROLLAB_NX_ARGV = JSON.stringify(argv)),
};
