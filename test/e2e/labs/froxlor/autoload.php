<?php
/*
 * Stands in for vendor/autoload.php in a source tree without vendor/: Froxlor's own classes, the libraries that its API
 * and its DNS cron need from their own sources, and Debian's php-psr-log and libphp-phpmailer.
 */
$libraries = getenv('FROXLOR_LIBRARIES') ?: '';
$places = [
    'Froxlor\\' => [dirname(__DIR__) . '/lib/Froxlor/'],
    'voku\\' => array_map(fn($name) => "$libraries/$name/src/voku/", ['anti-xss', 'portable-utf8', 'portable-ascii']),
    'Algo26\\IdnaConvert\\' => ["$libraries/idna-convert-legacy/src/"],
    'Monolog\\' => ["$libraries/monolog/src/Monolog/"],
    'Psr\\Log\\' => ['/usr/share/php/Psr/Log/'],
    'PHPMailer\\PHPMailer\\' => ['/usr/share/php/libphp-phpmailer/src/', '/usr/share/php/PHPMailer/PHPMailer/'],
];
spl_autoload_register(function (string $class) use ($places) {
    foreach ($places as $prefix => $directories) {
        if (!str_starts_with($class, $prefix)) {
            continue;
        }
        foreach ($directories as $directory) {
            $file = $directory . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
            if (is_file($file)) {
                require $file;
                return;
            }
        }
    }
});
// What composer would do for this library.
require "$libraries/portable-utf8/bootstrap.php";
