# What each target is made of. Not for editing: `Scripts/check-cmake-sources.py --write` makes this
# file from Package.swift and the folders it names.

cka_swift_library(Activations Sources/Activations
  SOURCES
    ActivationSource.swift
    ArrayActivations.swift
    LayerActivations.swift
    LayerShape.swift
    ScalarType.swift)

cka_system_library(CLibzip Sources/CLibzip
  PKG_CONFIG libzip)

cka_swift_library(ActivationFiles Sources/ActivationFiles
  DEPENDS Activations CLibzip
  SOURCES
    ActivationFiles.swift)

cka_swift_library(Device Sources/Device
  DEPENDS Activations
  SOURCES
    Device.swift
    DeviceError.swift
    GramKernel.swift
    Matrix.swift)

cka_system_library(COpenBLAS Sources/COpenBLAS
  PKG_CONFIG openblas)

cka_c_library(CPUKernels Sources/CPUKernels
  SOURCES
    cpu_kernels.c
    wide_features.c)

cka_swift_library(FeatureSlabs Sources/FeatureSlabs
  DEPENDS Activations CPUKernels
  SOURCES
    FeatureSlabs.swift)

cka_swift_library(BLASDevice Sources/BLASDevice
  DEPENDS COpenBLAS CPUKernels Device FeatureSlabs
  SOURCES
    BLASDevice.swift)

cka_system_library(CCairo Sources/CCairo
  PKG_CONFIG cairo)

cka_swift_library(CKA Sources/CKA
  DEPENDS Activations Device
  SOURCES
    CKA.swift)

cka_c_library(CKAKernels Kernels
  SOURCES
    kernels.c)

cka_system_library(COpenCL Sources/COpenCL
  PKG_CONFIG OpenCL)

cka_swift_library(OpenCLDevice Sources/OpenCLDevice
  DEPENDS CKAKernels COpenCL Device FeatureSlabs
  SOURCES
    OpenCLDevice.swift)

cka_swift_library(DeviceRegistry Sources/DeviceRegistry
  DEPENDS BLASDevice Device OpenCLDevice
  SOURCES
    DeviceRegistry.swift)

cka_command(CKABench Benchmarks/CKABench
  PRODUCT cka-bench
  DEPENDS ActivationFiles ArgumentParser CKA DeviceRegistry
  SOURCES
    Bench.swift)

cka_swift_library(Figures Sources/Figures
  DEPENDS CCairo
  SOURCES
    Figures.swift)

cka_command(CKACommand Sources/CKACommand
  PRODUCT cka
  DEPENDS ActivationFiles ArgumentParser CKA DeviceRegistry Figures Logging
  SOURCES
    Command.swift)
