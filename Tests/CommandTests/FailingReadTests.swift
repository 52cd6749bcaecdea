import Foundation
import TestSupport
import Testing

/// A disk that fails while a model is opened: the system's message and exit code 74, not "damaged".
@Suite(.timeLimit(.minutes(30))) struct FailingReadTests {
  var cka: Cka

  /// Lets every read of the file named by FAILING_FILE fail.
  private static let shim = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>

    static int fails(int fd) {
      char link[64], path[4096];
      const char *name = getenv("FAILING_FILE");
      snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
      ssize_t length = readlink(link, path, sizeof path - 1);
      if (!name || length < 0) return 0;
      path[length] = 0;
      const char *slash = strrchr(path, '/');
      return slash && strcmp(slash + 1, name) == 0;
    }

    #define READ(name, offset_type)                                                        \\
      ssize_t name(int fd, void *buffer, size_t count, offset_type offset) {               \\
        if (fails(fd)) { errno = EIO; return -1; }                                         \\
        ssize_t (*real)(int, void *, size_t, offset_type) = dlsym(RTLD_NEXT, #name);       \\
        return real(fd, buffer, count, offset);                                            \\
      }
    READ(pread, off_t)
    READ(pread64, off64_t)
    """

  init() throws {
    cka = try Cka()
    try cka.folder.write(Self.shim, to: "shim.c")
    let compiler = Process()
    compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    compiler.currentDirectoryURL = URL(fileURLWithPath: cka.folder.path)
    compiler.arguments = ["clang", "-shared", "-fPIC", "-o", "shim.so", "shim.c", "-ldl"]
    try compiler.run()
    compiler.waitUntilExit()
    try #require(compiler.terminationStatus == 0)
    cka.environment["LD_PRELOAD"] = "\(cka.folder.path)/shim.so"
  }

  @Test func aFailingDiskIsNoDamagedFile() throws {
    let model = TestModel(layers: 2, n: 12)
    try cka.folder.write(model.npy(0), to: "a.npy")
    try cka.folder.write(model.npz, to: "stored.npz")
    try ZipFile.writeDeflated(
      [(name: "a.npy", data: model.npy(0))], to: "\(cka.folder.path)/deflated.npz")
    try cka.folder.write(model.safetensors, to: "a.safetensors")
    try cka.folder.write(model.npy(0), to: "listed/layer0.npy")
    try cka.folder.write(sampleIDs(Array(1...12)), to: "listed/layers.json")
    try cka.folder.write(model.npy(0), to: "named/layer0.npy")
    try cka.folder.write("x\n", to: "named/examples.txt")
    for (model, file) in [
      ("a.npy", "a.npy"), ("stored.npz", "stored.npz"), ("deflated.npz", "deflated.npz"),
      ("a.safetensors", "a.safetensors"), ("listed", "layers.json"), ("named", "examples.txt"),
      ("named", "layer0.npy"),
    ] {
      var cka = cka
      cka.environment["FAILING_FILE"] = file
      try cka("inspect", model).expectFailure(74, file, "Input/output error")
      try cka("compare", model, "--device", "cpu").expectFailure(74, file, "Input/output error")
    }
    var cka = cka
    let labels = NPYFile.bytes(
      (0..<12).map { Double($0 % 2) }, shape: [12], type: .int64)
    try cka.folder.write(labels, to: "labels.npy")
    cka.environment["FAILING_FILE"] = "labels.npy"
    try cka("probe", "stored.npz", "--labels", "labels.npy", "--device", "cpu")
      .expectFailure(74, "labels.npy", "Input/output error")
    try cka.expectNothingWritten()
  }
}
