import TestSupport
import Testing

@testable import Support

/// What a container leaves of the machine: files as the kernel shows them.
@Suite struct MachineLimitsTests {
  private func limits(
    _ files: [(path: String, text: String)], addressSpace: Int? = nil
  ) throws -> MachineLimits {
    let folder = try TemporaryFolder()
    for file in files { _ = try folder.write(file.text, to: file.path) }
    return MachineLimits(
      files: folder.path, physicalMemory: 64 << 30, addressSpace: addressSpace, processors: 16)
  }

  @Test func halfOfTheHostIsNotTakenInAContainerOfVersion2() throws {
    let found = try limits([
      ("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "2147483648\n"),
      ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
    ])
    #expect(found.memory == 2 << 30 && found.processors == 2)
  }

  @Test func theTightestGroupAboveCounts() throws {
    let found = try limits([
      ("proc/self/cgroup", "0::/user.slice/job\n"),
      ("sys/fs/cgroup/user.slice/job/memory.max", "max\n"),
      ("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n"),
      ("sys/fs/cgroup/user.slice/memory.high", "1073741824\n"),
      ("sys/fs/cgroup/user.slice/memory.max", "3221225472\n"),
      ("sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n"),
    ])
    #expect(found.memory == 1 << 30 && found.processors == 1)
  }

  @Test func halfOfTheHostIsNotTakenInAContainerOfVersion1() throws {
    let found = try limits([
      ("proc/self/cgroup", "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n"),
      ("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "9223372036854771712\n"),
      // Inside the container its own group is the root of what is mounted.
      ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"),
      ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "400000\n"),
      ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
    ])
    #expect(found.memory == 512 << 20 && found.processors == 4)
  }

  @Test func withoutAContainerTheMachineIsAll() throws {
    for files in [
      [], [("proc/self/cgroup", "0::/\n")], [("proc/self/cgroup", "nonsense\n::\n:\n")],
      [("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/cpu.max", "-1 0\n")],
      [("proc/self/cgroup", "4:cpu:/\n"), ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")],
    ] {
      let found = try limits(files)
      #expect(found.memory == 64 << 30 && found.processors == 16)
    }
  }

  @Test func aLimitOnAddressesIsOneOnMemory() throws {
    #expect(try limits([], addressSpace: 4 << 30).memory == 4 << 30)
  }

  @Test func thisMachineHasSomeOfBoth() {
    #expect(MachineLimits.current.memory > 100 << 20 && MachineLimits.current.processors >= 1)
  }

  @Test func everyIndexIsPerformedOnce() {
    for count in [0, 1, 2, 7, 1000] {
      let counts = UnsafeMutableBufferPointer<Int>.allocate(capacity: count)
      defer { counts.deallocate() }
      counts.initialize(repeating: 0)
      perform(count) { counts[$0] += 1 }
      #expect(counts.allSatisfy { $0 == 1 })
    }
  }
}
