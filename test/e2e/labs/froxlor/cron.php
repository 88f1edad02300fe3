<?php
/*
 * What `froxlor-cli froxlor:cron tasks` does for the name server, without the rest: that would make system users and
 * rewrite the configurations of web servers. Called with the source tree.
 */
[, $source] = $argv;
error_reporting(E_ALL & ~E_DEPRECATED);
require "$source/vendor/autoload.php";
require "$source/lib/functions.php";
require "$source/lib/tables.inc.php";

$log = \Froxlor\FroxlorLogger::getInstanceOf(['loginname' => 'cronjob']);
\Froxlor\Cron\System\TasksCron::setCronlog($log);
\Froxlor\Cron\System\TasksCron::run();
