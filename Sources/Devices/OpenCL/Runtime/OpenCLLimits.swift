/// How much of a device a run may take. Results do not depend on it, only speed does. (Those of tensor
/// cores do within their rounding: each part of a layer has its own power of two.)
struct OpenCLLimits: Sendable, Hashable {
  /// Bytes of device memory in use at a time.
  var memory: Int
  /// Bytes of one buffer.
  var largestAllocation: Int
  /// Bytes of activations sent at a time; two such groups are on their way or in work.
  var group: Int
  /// Bytes of partial Gram matrices, and of partial products of layer pairs.
  var workspace: Int
  /// Examples of which the exact median may be taken from one matrix: its n(n − 1)/2 distances are counted
  /// in 32 bits. Tiles are counted one by one.
  var medianExamples = 92_682

  /// Most of the device, and groups large enough to hide the cost of starting them.
  init(_ description: OpenCLDeviceDescription) {
    // A part is left to the driver, the display and other processes.
    memory = description.globalMemory / 8 * 7
    largestAllocation = description.largestAllocation
    group = 64 << 20
    workspace = 64 << 20
  }

  init(memory: Int, largestAllocation: Int, group: Int, workspace: Int) {
    self.memory = memory
    self.largestAllocation = largestAllocation
    self.group = group
    self.workspace = workspace
  }

  // Shares of the memory: 2/16 two groups, 1/16 partial results, 8/16 stacks that stay, 4/16 two
  // chunks of stacks that don't. The rest is tables and sums.

  /// The bytes of a group on this device.
  var groupBytes: Int { min(group, largestAllocation, memory / 16) / 128 * 128 }
  /// The bytes of partial results on this device.
  var workspaceBytes: Int { min(workspace, largestAllocation, memory / 16) }
  /// The bytes of all stacks that stay on this device.
  var residentBytes: Int { memory / 2 }
  /// The bytes of a chunk of a stack that is kept on the host.
  var visitingChunkBytes: Int { min(largestAllocation, memory / 8) }
}
